package event

// Output collects what one Step wants done. It is taken once, at start; Step
// appends, the loop drains. Not safe for concurrent use.
type Output struct {
	Commands  []Command
	Decisions []Decision
	blank     bool // the place of the first command is zero
}

// NewOutput returns an Output for at most commands and decisions of one Step.
func NewOutput(commands, decisions int) *Output {
	return &Output{
		Commands:  make([]Command, 0, commands),
		Decisions: make([]Decision, 0, decisions),
	}
}

// Reset empties the output, keeping its memory.
func (o *Output) Reset() {
	o.Commands = o.Commands[:0]
	o.Decisions = o.Decisions[:0]
}

// Clear is Reset where nobody waits: the first command of the next Step finds its place zero.
func (o *Output) Clear() {
	if len(o.Commands) > 0 {
		o.Commands[0], o.blank = Command{}, true
	}
	o.Reset()
}

// Command appends a zeroed command and returns it; the pointer is valid until
// the next append. A full output is a broken bound: it panics.
func (o *Output) Command() *Command {
	n := len(o.Commands)
	if n == cap(o.Commands) {
		panic("event: output full: more commands in one step than its capacity")
	}
	o.Commands = o.Commands[:n+1]
	c := &o.Commands[n]
	if n > 0 || !o.blank {
		*c = Command{}
	}
	o.blank = false
	return c
}

// Decision appends a zeroed decision and returns it, under the same terms.
func (o *Output) Decision() *Decision {
	n := len(o.Decisions)
	if n == cap(o.Decisions) {
		panic("event: output full: more decisions in one step than its capacity")
	}
	o.Decisions = o.Decisions[:n+1]
	d := &o.Decisions[n]
	*d = Decision{}
	return d
}

// Sink takes an event from a feed or session; it copies it before it returns.
// false means that there is no room: the producer must not lose the event (an
// order session stops reading, a feed marks its books stale and resyncs).
type Sink func(e *Event) bool

// Batch takes events as a Sink does, several at once and in order. It returns how many it
// took; the first that it did not take, and those after it, must not be lost either.
type Batch func(events []Event) (taken int)
