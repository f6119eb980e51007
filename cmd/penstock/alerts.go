package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// severity of an alert: how soon its owner has to act.
type severity string

const (
	critical severity = "critical" // at once: trading is stopped, or should be
	warning  severity = "warning"  // today
)

// alert is what a person has to know. It is told by a path of its own: whoever raises one
// never waits, and neither the core nor a gateway is needed to tell it.
type alert struct {
	ID       uint64     `json:"id"`
	At       time.Time  `json:"at"`
	Severity severity   `json:"severity"`
	Kind     string     `json:"kind"`
	Owner    string     `json:"owner"`
	Text     string     `json:"text"`
	Do       string     `json:"do,omitempty"` // what its owner has to do
	AckBy    string     `json:"ack_by,omitempty"`
	AckAt    *time.Time `json:"ack_at,omitempty"`
	Repeats  int        `json:"repeats,omitempty"` // of the same text, not told again
}

const (
	alertsKept   = 1024
	repeatAlerts = time.Minute // an unacknowledged critical alert is told again
)

// alarms keeps the alerts, tells them to whoever listens and writes them to a file, one
// JSON object a line. Safe for concurrent use.
type alarms struct {
	mu     sync.Mutex
	list   []alert // oldest first
	told   uint64  // ID of the last one that was told
	next   uint64
	owner  string
	file   *os.File
	wake   chan struct{}
	end    chan struct{}
	group  sync.WaitGroup
	say    func(string, ...any) // nil: nobody listens yet
	unsaid []alert              // that were told before anybody listened
	repeat time.Duration
	failed error
}

// duty is what follows the text of an alert.
func (al *alert) duty() string {
	if al.Do == "" {
		return ""
	}
	return ": " + al.Do
}

// openAlarms writes to a file of the state folder and tells an owner. What nobody had
// acknowledged when the process before ended is open still.
func openAlarms(state, owner string) (*alarms, error) {
	path := filepath.Join(state, "alerts.jsonl")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	a := &alarms{owner: owner, file: f, wake: make(chan struct{}, 1), end: make(chan struct{}), repeat: repeatAlerts}
	if err := a.recall(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	a.group.Go(a.run)
	return a, nil
}

// recall reads the alerts that are still open, the last of them when they are many. A last
// line that a crash cut is passed over.
func (a *alarms) recall(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text) {
		var al alert
		if json.Unmarshal(line, &al) != nil || al.ID == 0 {
			continue
		}
		a.next = max(a.next, al.ID)
		a.list = slices.DeleteFunc(a.list, func(o alert) bool { return o.ID == al.ID })
		if al.AckBy == "" {
			a.list = append(a.list, al)
		}
	}
	a.list = a.list[max(0, len(a.list)-alertsKept):]
	a.told = a.next
	return nil
}

// raise takes an alert. It does not wait for anybody but another raise.
func (a *alarms) raise(al alert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.list); n > 0 && a.list[n-1].Kind == al.Kind && a.list[n-1].Text == al.Text && a.list[n-1].AckBy == "" {
		a.list[n-1].Repeats++
		return
	}
	a.next++
	al.ID, al.At, al.Owner = a.next, time.Now().UTC(), a.owner
	if len(a.list) == alertsKept {
		a.list = append(a.list[:0], a.list[1:]...)
	}
	a.list = append(a.list, al)
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// listen names who is told, and tells what was raised before, while the router started.
func (a *alarms) listen(say func(string, ...any)) {
	a.mu.Lock()
	a.say = say
	unsaid := a.unsaid
	a.unsaid = nil
	a.mu.Unlock()
	for i := range unsaid {
		unsaid[i].tell(say)
	}
}

// tell says an alert.
func (al *alert) tell(say func(string, ...any)) {
	say("ALERT %d %s for %s: %s: %s%s", al.ID, al.Severity, al.Owner, al.Kind, al.Text, al.duty())
}

// listening reports whether somebody is told.
func (a *alarms) listening() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.say != nil
}

// run tells what was raised, and again what nobody acknowledged.
func (a *alarms) run() {
	tick := time.NewTicker(a.repeat)
	defer tick.Stop()
	for {
		select {
		case <-a.wake:
			a.tell()
		case <-tick.C:
			a.remind()
		case <-a.end:
			a.tell()
			return
		}
	}
}

func (a *alarms) tell() {
	a.mu.Lock()
	var fresh []alert
	for i := range a.list {
		if a.list[i].ID > a.told {
			fresh = append(fresh, a.list[i])
			a.told = a.list[i].ID
		}
	}
	say := a.say
	if say == nil {
		a.unsaid = append(a.unsaid, fresh...)
		a.unsaid = a.unsaid[max(0, len(a.unsaid)-alertsKept):]
	}
	a.mu.Unlock()
	for i := range fresh {
		a.write(&fresh[i])
		if say != nil {
			fresh[i].tell(say)
		}
	}
}

func (a *alarms) remind() {
	a.mu.Lock()
	open, say := 0, a.say
	for i := range a.list {
		if a.list[i].Severity == critical && a.list[i].AckBy == "" {
			open++
		}
	}
	a.mu.Unlock()
	if open > 0 && say != nil {
		say("ALERT: %d critical alerts are not acknowledged: penstock ctl alerts, penstock ctl ack", open)
	}
}

// write appends a line; it keeps the first error, which status shows.
func (a *alarms) write(al *alert) {
	line, err := json.Marshal(al)
	if err == nil {
		_, err = a.file.Write(append(line, '\n'))
	}
	if err != nil {
		a.mu.Lock()
		a.failed = errors.Join(a.failed, err)
		a.mu.Unlock()
	}
}

// ack notes that a person has taken an alert over.
func (a *alarms) ack(id uint64, who string) error {
	a.mu.Lock()
	var acked *alert
	for i := range a.list {
		if al := &a.list[i]; al.ID == id && al.AckBy == "" {
			now := time.Now().UTC()
			al.AckBy, al.AckAt = who, &now
			c := *al
			acked = &c
		}
	}
	a.mu.Unlock()
	if acked == nil {
		return fmt.Errorf("there is no open alert %d", id)
	}
	a.write(acked)
	return nil
}

// all returns a copy of what is kept.
func (a *alarms) all() []alert {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]alert(nil), a.list...)
}

func (a *alarms) close() error {
	close(a.end)
	a.group.Wait()
	return errors.Join(a.failed, a.file.Close())
}

// warn raises a critical alert, or says it where nobody listens to alerts yet.
func (a *assembly) warn(say func(string, ...any), kind, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if a.alarms != nil && a.alarms.listening() {
		a.alarm(alert{Severity: critical, Kind: kind, Text: text})
		return
	}
	say("%s: ALERT: %s", kind, text)
}

// alarm raises an alert, if the router got far enough to have somebody to tell.
func (a *assembly) alarm(al alert) {
	if a.alarms != nil {
		a.alarms.raise(al)
	}
}
