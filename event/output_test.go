package event

import "testing"

// TestCommandsAreZero: whatever was in the place of a command, and however the output was emptied.
func TestCommandsAreZero(t *testing.T) {
	o := NewOutput(3, 1)
	empty := []func(){o.Reset, o.Clear}
	for i := range 60 {
		for range i % 4 {
			c := o.Command()
			if *c != (Command{}) {
				t.Fatalf("turn %d, command %d: %+v", i, len(o.Commands), *c)
			}
			c.Kind, c.Notional, c.Policy = SendOrder, 7, 1<<63
		}
		empty[i*7/4%2]()
	}
	o.Clear()
	if len(o.Commands) != 0 || len(o.Decisions) != 0 {
		t.Error("not empty")
	}
}
