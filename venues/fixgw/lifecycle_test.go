package fixgw

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/event"
)

// rawVenue is a venue that says exactly what a test tells it to, right or wrong.
type rawVenue struct {
	t     *testing.T
	l     net.Listener
	logon string      // answer to a Logon, without header; empty: the usual one
	drop  atomic.Bool // right after the Logon and its test
	busy  atomic.Bool // the test is not answered

	mu    sync.Mutex
	conn  net.Conn
	heard strings.Builder
	dials int
}

func newRawVenue(t *testing.T) *rawVenue {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &rawVenue{t: t, l: l}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			v.serve(c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		v.mu.Lock()
		if v.conn != nil {
			v.conn.Close()
		}
		v.mu.Unlock()
		<-done
	})
	return v
}

// serve answers the Logon and the test behind it, and keeps what else it hears.
func (v *rawVenue) serve(c net.Conn) {
	v.mu.Lock()
	v.conn = c
	v.dials++
	v.mu.Unlock()
	buf := make([]byte, 1<<16)
	for answered, tested := false, false; ; {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		text := strings.ReplaceAll(string(buf[:n]), "\x01", "|")
		v.mu.Lock()
		v.heard.WriteString(text)
		v.mu.Unlock()
		if !answered && strings.Contains(text, "|35=A|") {
			answered = true
			v.mu.Lock()
			body := v.logon
			if body == "" {
				body = fmt.Sprintf("35=A|34=%d|98=0|108=30", 2*v.dials-1) // each connection so far took two
			}
			v.mu.Unlock()
			v.say(body)
		}
		if _, test, found := strings.Cut(text, "|35=1|"); found && !tested && !v.busy.Load() {
			tested = true
			_, id, _ := strings.Cut(test, "|112=")
			id, _, _ = strings.Cut(id, "|")
			v.say(fmt.Sprintf("35=0|34=%d|112=%s", 2*v.dials, id))
			if v.drop.Load() {
				c.Close()
				return
			}
		}
	}
}

// say sends MsgType and what follows; the header is completed.
func (v *rawVenue) say(body string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	msgType, rest, _ := strings.Cut(body, "|")
	stamp := time.Now().UTC().Format("20060102-15:04:05.000")
	seq, rest, _ := strings.Cut(rest, "|")
	text := fmt.Sprintf("%s|49=XLIT|56=SOR|%s|52=%s", msgType, seq, stamp)
	if rest != "" {
		text += "|" + strings.ReplaceAll(rest, "NOW", stamp)
	}
	if _, err := v.conn.Write(wrap(text)); err != nil {
		v.t.Logf("%s: %v", body, err)
	}
}

func (v *rawVenue) said(part string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.Contains(v.heard.String(), part)
}

// rawRig is a gateway in front of a raw venue, logged on.
func rawRig(t *testing.T) (*rig, *rawVenue) {
	t.Helper()
	v := newRawVenue(t)
	r := newRig(t, func(c *Config) { c.Addr = v.l.Addr().String() })
	r.up()
	return r, v
}

func (r *rig) session(state event.SessionState, reason event.Reason) {
	r.t.Helper()
	e := r.next()
	if e.Kind != event.VenueSession || e.Code != uint8(state) || e.Reason != reason {
		r.t.Fatalf("got %v code %d reason %v, want session %v reason %v; %q", e.Kind, e.Code, e.Reason, state, reason, r.g.Stats().LastClose)
	}
}

// FM-26: a gap is asked for, and the core hears that it knows old things until it is filled.
func TestFM26GapIsToldUntilItIsFilled(t *testing.T) {
	r, v := rawRig(t)
	v.say("35=0|34=6")
	r.session(event.SessionBehind, event.ReasonGap)
	r.until("a ResendRequest", func() bool { return v.said("|35=2|") && v.said("|7=3|16=0|") })
	// An order is still taken: whether one may be sent is the core's to say.
	v.say("35=4|34=3|43=Y|122=NOW|123=Y|36=7")
	r.session(event.SessionUp, event.ReasonGap)
}

// FM-27: a number that was used before ends the session and is told as what it is.
func TestFM27LowSequenceEndsTheSession(t *testing.T) {
	r, v := rawRig(t)
	v.say("35=0|34=1")
	r.session(event.SessionDown, event.ReasonSeqTooLow)
	r.until("a Logout", func() bool { return v.said("|35=5|") })
}

// FM-28: asked for our orders again, we fill the gap: a late order is a wrong order.
func TestFM28OrdersAreNeverSentAgain(t *testing.T) {
	r, v := rawRig(t)
	if !r.g.Send(r.now, takeOrder()) {
		t.Fatal("order refused")
	}
	r.until("the order", func() bool { return v.said("|35=D|") })
	v.say("35=2|34=3|7=1|16=0")
	r.until("a gap fill", func() bool { return v.said("|35=4|") && v.said("|123=Y|36=4|") })
	v.mu.Lock()
	n := strings.Count(v.heard.String(), "|35=D|")
	v.mu.Unlock()
	if n != 1 {
		t.Errorf("the order was sent %d times", n)
	}
}

// FM-29: a venue that asks for the same again and again is logged out.
func TestFM29ResendStormIsBounded(t *testing.T) {
	r, v := rawRig(t)
	for n := range 5 {
		v.say(fmt.Sprintf("35=2|34=%d|7=1|16=0", n+3))
	}
	r.session(event.SessionDown, event.ReasonResends)
	v.mu.Lock()
	n := strings.Count(v.heard.String(), "|35=4|")
	v.mu.Unlock()
	if n > 3 {
		t.Errorf("%d answers", n)
	}
}

// FM-43: a venue that wants to start its numbers again within the day is refused.
func TestFM43ResetWithinTheDayIsRefused(t *testing.T) {
	v := newRawVenue(t)
	v.mu.Lock()
	v.logon = "35=A|34=1|98=0|108=30|141=Y"
	v.mu.Unlock()
	r := newRig(t, func(c *Config) { c.Addr = v.l.Addr().String() })
	r.until("the end of the session", func() bool { return r.g.Stats().Disconnects == 1 })
	if text := r.g.Stats().LastClose; !strings.Contains(text, "ResetSeqNumFlag(141)") || len(r.events) != 0 {
		t.Errorf("%q, events %+v", text, r.events)
	}
	if lossReason(r.g.Stats().LastClose) != event.ReasonResetRefused {
		t.Error("it is not told as what it is")
	}
}

// TestOrdersWaitForTheVenueToMissNothing: a venue that has not had all of ours asks for it behind its Logon, and drops
// what we send meanwhile: no order leaves before it has all.
func TestOrdersWaitForTheVenueToMissNothing(t *testing.T) {
	v := newRawVenue(t)
	v.busy.Store(true)
	r := newRig(t, func(c *Config) { c.Addr = v.l.Addr().String() })
	r.until("the test", func() bool { return v.said("|35=1|34=2|") })
	if len(r.events) != 0 || r.g.Up() {
		t.Errorf("events %+v", r.events)
	}
	v.say("35=2|34=2|7=1|16=0")
	r.up()
	if !r.g.Send(r.now, takeOrder()) {
		t.Fatal("order refused")
	}
	r.until("the order", func() bool { return v.said("|123=Y|36=3|") && v.said("|35=D|34=3|") })
}

// FM-42: a venue that logs on and drops at once is tried again ever more slowly, then left
// alone for the longest wait and told; one that stays up is quick to come back to.
func TestFM42FlappingVenueIsLeftAlone(t *testing.T) {
	v := newRawVenue(t)
	v.drop.Store(true)
	r := newRig(t, func(c *Config) {
		c.Addr, c.BackoffMinNanos, c.BackoffMaxNanos = v.l.Addr().String(), 100*milli, 60_000*milli
	})
	var waits []int64
	for n := range flapsMax {
		r.up()
		want := event.ReasonDisconnect
		if n == flapsMax-1 {
			want = event.ReasonFlapping
		}
		r.session(event.SessionDown, want)
		waits = append(waits, r.g.nextDial-r.now)
		r.now = r.g.nextDial
	}
	for n := 1; n < len(waits); n++ {
		if waits[n] < waits[n-1]*3/4 {
			t.Errorf("waits %v do not grow", waits)
		}
	}
	if waits[flapsMax-1] != 60_000*milli {
		t.Errorf("after %d flaps it waits %v", flapsMax, time.Duration(waits[flapsMax-1]))
	}
	v.drop.Store(false)
	r.up()
	r.now += stableNanos
	v.mu.Lock()
	v.conn.Close()
	v.mu.Unlock()
	r.session(event.SessionDown, event.ReasonDisconnect)
	if wait := r.g.nextDial - r.now; wait > 100*milli {
		t.Errorf("after a stable session it waits %v", time.Duration(wait))
	}
}
