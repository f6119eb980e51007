package fixgw

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
	"penstock/venues/outbound"
)

// TestThrottleHoldsInEverySlidingWindow offers ten times the limit for five
// seconds: no window of one second holds more than the limit, and every cancel
// goes out.
func TestThrottleHoldsInEverySlidingWindow(t *testing.T) {
	const window, limit, reserve, stepMillis = 1_000 * milli, 50, 20, 100
	var times []int64
	cancelled := map[uint64]bool{}
	r := newRig(t, nil)
	r.start(func(c *Config) {
		c.Throttle = Throttle{Messages: limit, WindowNanos: window, Reserve: reserve}
		c.OnSent = func(c *event.Command, at int64) {
			times = append(times, at)
			if c.Kind == event.SendCancel {
				cancelled[c.Child] = true
			}
		}
	})
	r.up()
	// The Logon counts too: when it was sent is not known, when it was sent at the
	// latest is.
	times = append(times, r.now)
	next, asked, refused, offered := uint64(child), 0, 0, 0
	var requested []uint64
	for end := r.now + 5*window; r.now < end; r.now += stepMillis * milli {
		for range limit * 10 * stepMillis / 1000 {
			offered++
			c := takeOrder()
			c.Child = next
			next++
			if !r.g.Send(r.now, c) {
				refused++
			}
			if offered%2 == 0 { // cancels at five times the limit
				id := c.Child
				x := takeOrder()
				x.Kind, x.Child, x.Ref = event.SendCancel, id, next
				next++
				if !r.g.Send(r.now, x) {
					t.Fatalf("cancel of %d refused: %+v", id, r.g.Stats())
				}
				requested = append(requested, id)
				asked++
			}
		}
		r.g.Work(r.now)
		for len(r.v.got) > 0 {
			<-r.v.got
		}
	}
	for range 400 { // the last cancels, with nothing offered
		r.now += stepMillis * milli
		r.g.Work(r.now)
		if r.g.lane.Len() == 0 {
			break
		}
	}
	for _, id := range requested {
		if !cancelled[id] {
			t.Errorf("cancel of %d never went out", id)
		}
	}
	over, most := 0, 0
	for i, at := range times {
		in := 0
		for _, other := range times {
			if other <= at && other > at-window {
				in++
			}
		}
		most = max(most, in)
		if in > limit {
			over++
			t.Errorf("message %d at %d ms: %d in the second before it", i, at/milli, in)
		}
	}
	s := r.g.Stats()
	if most < limit-outbound.SessionReserve-1 || refused == 0 || s.Throttled != uint64(refused) || s.LaneWaits == 0 || asked < 100 {
		t.Errorf("the test did not reach the limit: at most %d in a window, %d orders refused, stats %+v", most, refused, s)
	}
	t.Logf("offered %d orders and %d cancels: %d sent, %d orders refused, %d cancels waited (at most %d), "+
		"%d windows over the limit", offered, asked, len(times)-1, refused, s.LaneWaits, s.LaneHigh, over)
}

func TestCancelsInTheLaneAreToldWhenTheConnectionEnds(t *testing.T) {
	r := newRig(t, nil)
	r.start(func(c *Config) { c.Throttle = Throttle{Messages: 8, WindowNanos: 1_000 * milli, Reserve: 4} })
	r.up()
	if !r.g.Send(r.now, takeOrder()) {
		t.Fatal("order refused")
	}
	told := map[uint64]bool{}
	for i := range uint64(10) {
		x := takeOrder()
		x.Kind, x.Child, x.Ref = event.SendCancel, child+i, child+100+i
		if !r.g.Send(r.now, x) {
			t.Fatal("cancel refused")
		}
	}
	waiting := r.g.lane.Len()
	if waiting < 5 {
		t.Fatalf("%d cancels wait, want at least 5", waiting)
	}
	if o := takeOrder(); r.g.Send(r.now, o) {
		t.Error("an order overtook the cancels")
	}
	r.v.tell(r.v.drop)
	for len(told) < waiting {
		if e := r.next(); e.Kind == event.OrderCancelReject && e.Reason == event.ReasonVenueDown {
			told[e.Ref] = true
		}
	}
	if r.g.lane.Len() != 0 {
		t.Errorf("%d cancels still wait for a session that is gone", r.g.lane.Len())
	}
}

func TestBadLimitsAreRefused(t *testing.T) {
	d, _ := DialectByName("sim")
	good := Config{Addr: "127.0.0.1:1", SenderCompID: "SOR", TargetCompID: "XLIT", HeartBtIntSecs: 30,
		Dialect: d, Symbols: testSymbols, Sink: func(*event.Event) bool { return true }}
	for want, spoil := range map[string]func(*Config){
		"messages are not in": func(c *Config) { c.Throttle = Throttle{Messages: 1, WindowNanos: 1, Reserve: 3} },
		"window must be":      func(c *Config) { c.Throttle = Throttle{Messages: 10, Reserve: 3} },
		"a reserve of":        func(c *Config) { c.Throttle = Throttle{Messages: 10, WindowNanos: 1} },
		"OutLimit":            func(c *Config) { c.OutLimit = -1 },
		"checking the certificate": func(c *Config) {
			c.TLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // that it is refused is the point
		},
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %q", err, want)
		}
	}
}

// TestVenueThatStopsReadingIsGivenUp: nothing blocks, and of what was taken over
// every command is either through or told.
func TestVenueThatStopsReadingIsGivenUp(t *testing.T) {
	for name, adjust := range map[string]func(*Config){
		"buffer full": func(c *Config) { c.OutLimit, c.SlowNanos = 16<<10, 3600_000*milli },
		"too long":    func(c *Config) { c.OutLimit, c.SlowNanos = 1<<30, 500*milli },
	} {
		r := newRig(t, adjust)
		r.up()
		r.v.tell(func() { r.v.read = nil }) // nobody takes what the pump reads: it stops
		taken, longest := map[uint64]bool{}, time.Duration(0)
		for id := uint64(child); r.g.Up(); id++ {
			c := takeOrder()
			c.Child = id
			begin := time.Now()
			ok := r.g.Send(r.now, c)
			longest = max(longest, time.Since(begin))
			if ok {
				taken[id] = true
				continue
			}
			r.now += 100 * milli
			r.g.Work(r.now)
			if id > child+1_000_000 {
				t.Fatalf("%s: the socket never fills: %+v", name, r.g.Stats())
			}
		}
		if s := r.g.Stats(); s.SlowVenue != 1 || !strings.Contains(s.LastClose, "does not read") {
			t.Errorf("%s: stats %+v", name, s)
		}
		r.g.Work(r.now)
		through := map[uint64]bool{}
		for _, id := range r.sent {
			through[id] = true
		}
		for _, e := range r.events {
			if e.Kind == event.Exec && e.Code == uint8(market.ExecRejected) {
				if through[e.Ref] || !taken[e.Ref] {
					t.Fatalf("%s: %d is through and refused", name, e.Ref)
				}
				through[e.Ref] = true
			}
		}
		if len(through) != len(taken) || len(r.events) < 2 {
			t.Errorf("%s: %d commands taken over, %d accounted for, %d events", name, len(taken), len(through), len(r.events))
		}
		if longest > time.Second {
			t.Errorf("%s: one Send took %v", name, longest)
		}
		t.Logf("%s: %d commands, longest Send %v", name, len(taken), longest)
	}
}
