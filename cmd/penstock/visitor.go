package main

import (
	"fmt"

	"penstock/event"
	"penstock/journal"
)

// visitor is told of the records of a journal by what they are. What it is given is valid during
// the call; nil: not wanted.
type visitor struct {
	blob     func(name string, data []byte) error
	event    func(*event.Event)
	command  func(*event.Command)
	decision func(*event.Decision)

	e event.Event
	c event.Command
	d event.Decision
}

// take tells of one record. One that this build cannot read is an error.
func (v *visitor) take(rec *journal.Record) error {
	ok, what := true, ""
	switch rec.Type {
	case journal.Blob:
		if v.blob == nil {
			return nil
		}
		name, data, _ := rec.Name()
		return v.blob(name, data)
	case journal.Event:
		if what = "an event"; v.event != nil {
			if ok = v.e.SetBytes(rec.Payload); ok {
				v.event(&v.e)
			}
		}
	case journal.Command:
		if what = "a command"; v.command != nil {
			if ok = v.c.SetBytes(rec.Payload); ok {
				v.command(&v.c)
			}
		}
	case journal.Decision:
		if what = "a decision"; v.decision != nil {
			if ok = v.d.SetBytes(rec.Payload); ok {
				v.decision(&v.d)
			}
		}
	}
	if !ok {
		return fmt.Errorf("journal record %d is not %s of this build", rec.Seq, what)
	}
	return nil
}
