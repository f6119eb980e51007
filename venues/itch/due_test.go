package itch

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"penstock/internal/mutate"
)

// hearing is a receiver and what it delivered.
type hearing struct {
	*Receiver
	log  []string
	full bool
}

func newHearing(t *testing.T, setting uint8) *hearing {
	h := &hearing{}
	cfg := newLinesTest(t, setting&1 != 0).receiver.cfg
	cfg.FromStart = setting&2 != 0 || !cfg.Snapshot
	cfg.Lines = 1 + int(setting>>2&1)
	cfg.Begin = func(int64) bool { h.log = append(h.log, "begin"); return !h.full }
	cfg.Blocks = func(_ int64, blocks []byte) (n int, err error) {
		for len(blocks) > 0 {
			msg, rest, err := cutBlock(blocks)
			if err != nil {
				t.Fatalf("blocks %x", blocks)
			}
			if h.full {
				return n, ErrNoRoom
			}
			h.log = append(h.log, string(msg))
			blocks = rest
			n++
		}
		return n, nil
	}
	var err error
	if h.Receiver, err = NewReceiver(cfg); err != nil {
		t.Fatal(err)
	}
	return h
}

// all is everything of a receiver but its configuration and the packets that it holds.
func (h *hearing) all() Receiver {
	r := *h.Receiver
	r.cfg, r.held.slots = ReceiverConfig{}, nil
	return r
}

// sameAsReceive drives two receivers by a script of three bytes a step, of which one never takes the short way,
// and returns how often the other did.
func sameAsReceive(t *testing.T, setting uint8, script []byte) (short int) {
	a, b := newHearing(t, setting), newHearing(t, setting)
	now, seq := int64(second), uint64(1)
	for step := 0; len(script) >= 3; step++ {
		act, arg, wait := script[0], script[1], script[2]
		script = script[3:]
		now += int64(wait) << (wait >> 5) * 10_000
		session, from, count := "A", int(arg>>6)%a.cfg.Lines, 1
		at := a.next + uint64(arg>>2&7) // a few ahead
		switch {
		case act < 205: // what is due
			at = max(a.next, 1)
		case act < 210:
			at, count = max(seq, 4)-3, int(arg&3)
		case act < 214:
			count = int(arg & 3)
		case act < 218:
			from = Answer
		case act < 220:
			session = "B"
		case act < 221 && arg < 4:
			count = endOfSession
		case act < 222:
			a.full, b.full = true, true
		case act < 232:
			a.full, b.full = false, false
		case act < 233 && arg < 64:
			a.Restart(now)
			b.Restart(now)
		case act < 238:
			a.Continue(now, max(a.known, 1))
			b.Continue(now, max(b.known, 1))
		case act < 242:
			a.Request(now)
			b.Request(now)
		case act < 248:
			a.Tick(now)
			b.Tick(now)
		default:
			at = max(a.next, 1)
		}
		p := downstream(session, max(at, 1), count)
		if act >= 252 {
			p = p[:len(p)-int(arg)%len(p)]
		} else if act >= 249 {
			p[(18+int(arg)%(len(p)-8))%len(p)]++ // not its number: what it announced would never come
		}
		want := b.receive(now, from, p)
		if before := a.stats.Messages; a.due(now, from, p) {
			if short++; want != nil || a.stats.Messages != before+1 {
				t.Fatalf("step %d: %d messages the short way, %v", step, a.stats.Messages-before, want)
			}
		} else if err := a.receive(now, from, p); err != want {
			t.Fatalf("step %d: %v, want %v", step, err, want)
		}
		seq = a.next
		if x, y := a.all(), b.all(); !reflect.DeepEqual(x, y) || !slices.Equal(a.held.slots, b.held.slots) || !slices.Equal(a.log, b.log) {
			t.Fatalf("step %d, act %d %d, line %d, %x:\n%+v %v\nwant\n%+v %v", step, act, arg, from, p, x.stats, a.log, y.stats, b.log)
		}
		a.log, b.log = a.log[:0], b.log[:0]
	}
	return short
}

func FuzzDue(tf *testing.F) {
	f := mutate.New(tf)
	for setting := range uint8(8) {
		r := rand.New(rand.NewPCG(9, uint64(setting)))
		script := make([]byte, 600)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		f.Add(script, setting)
	}
	f.Fuzz(func(t *testing.T, script []byte, setting uint8) { sameAsReceive(t, setting, script) })
}

// TestThePacketThatIsDueGoesTheShortWay: what FuzzDue compares is walked often, in every setting.
func TestThePacketThatIsDueGoesTheShortWay(t *testing.T) {
	for setting := range uint8(8) {
		r := rand.New(rand.NewPCG(11, uint64(setting)))
		script := make([]byte, 9_000)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		if n := sameAsReceive(t, setting, script); n < 100 {
			t.Errorf("setting %d: %d of 3000 packets", setting, n)
		}
	}
	h := newHearing(t, 2)
	for n := range uint64(3) {
		if short := h.due(second, 0, downstream("A", n+1, 1)); short != (n > 0) {
			t.Errorf("packet %d: %v", n, short)
			continue
		}
		if n == 0 {
			_ = h.Receive(second, 0, downstream("A", 1, 1))
		}
	}
	if got := fmt.Sprint(h.log); got != "[begin 1 2 3]" {
		t.Error(got)
	}
}
