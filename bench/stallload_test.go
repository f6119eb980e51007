package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/internal/quiet"
	"penstock/internal/ring"
	"penstock/market"
	"penstock/router/loop"
)

// stallLoad is what the rest of a router's process does beside the hot thread: it
// reads and writes FIX messages with QuickFIX/Go as the EMS side does, serves a console,
// and feeds events that are journalled.
type stallLoad struct {
	stop chan struct{}
	wait sync.WaitGroup
	live [4096]*quickfix.Message // messages that are kept for a while
}

// Rates of the load.
const (
	garbageRate = 5 << 20 // bytes of garbage per second
	eventRate   = 5_000   // journalled events per second
	consoleRate = 50      // requests per second
)

func startLoad(l *loop.Loop, in *ring.SPSC[event.Event]) (*stallLoad, error) {
	s := &stallLoad{stop: make(chan struct{})}
	s.every(time.Millisecond, s.garbage())
	s.every(time.Millisecond, feedEvents(in))
	ask, err := s.console(l)
	if err != nil {
		return nil, err
	}
	s.every(time.Second/consoleRate, ask)
	return s, nil
}

func (s *stallLoad) every(d time.Duration, f func()) {
	s.wait.Go(func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				f()
			}
		}
	})
}

func (s *stallLoad) end() {
	close(s.stop)
	s.wait.Wait()
}

// garbage reads and writes orders until as much was allocated as is due.
func (s *stallLoad) garbage() func() {
	start, base, n := time.Now(), quiet.Allocated(), 0
	text := newOrderText()
	return func() {
		due := uint64(time.Since(start).Seconds() * garbageRate)
		for quiet.Allocated()-base < due {
			for range 8 {
				m := quickfix.NewMessage()
				if err := quickfix.ParseMessage(m, newBuffer(text)); err != nil {
					panic(err)
				}
				_ = m.String()
				s.live[n%len(s.live)] = m
				n++
			}
		}
	}
}

// feedEvents returns what pushes the events that are due.
func feedEvents(in *ring.SPSC[event.Event]) func() {
	start, sent := time.Now(), 0
	last := start
	return func() {
		now := time.Now()
		defer func() { last = now }()
		for due := int(now.Sub(start).Seconds() * eventRate); sent < due; sent++ {
			e := event.Event{Kind: event.BookLevel, Side: market.Buy, Price: 500_000, Qty: market.Qty(sent%9 + 1),
				RecvTime: now.UnixNano()}
			if !in.Push(&e) {
				panic(fmt.Sprintf("the loop does not take what it is sent: %d of %d after %v, last tick %v ago", sent, due, now.Sub(start), now.Sub(last)))
			}
		}
	}
}

// console serves what the loop knows of itself, and returns a client's request.
func (s *stallLoad) console(l *loop.Loop) (ask func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(l.Stats())
	})}
	s.wait.Go(func() { _ = server.Serve(listener) })
	s.wait.Go(func() { <-s.stop; _ = server.Close() })
	url := "http://" + listener.Addr().String()
	return func() {
		r, err := http.Get(url)
		if err != nil {
			return // the server ends before its client
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}, nil
}
