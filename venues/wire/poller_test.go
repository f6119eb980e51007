package wire

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRingEndsTheWait(t *testing.T) {
	p := newPoller(t)
	done := make(chan error, 1)
	go func() {
		_, err := p.Wait(nil, -1)
		done <- err
	}()
	p.Ring()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the ring was lost")
	}
	// The bell is used up; a ring before the wait counts for it, however often.
	if n, err := p.Wait(nil, 0); n != 0 || err != nil {
		t.Error(n, err)
	}
	p.Ring()
	p.Ring()
	start := time.Now()
	if n, err := p.Wait([]PollFD{{FD: -1}}, patience); n != 0 || err != nil || time.Since(start) > patience/2 {
		t.Errorf("an earlier ring: %d, %v after %v", n, err, time.Since(start))
	}
}

func TestWaitSaysHowManyAreReady(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	a, b := dial(t, l.Addr().String()), dial(t, l.Addr().String())
	accept(t, l).Write([]byte("x"))
	p := newPoller(t)
	if n, err := p.Wait([]PollFD{{FD: a.FD()}, {FD: b.FD()}}, patience); n != 1 || err != nil {
		t.Errorf("one can be read: %d, %v", n, err)
	}
	if n, err := p.Wait([]PollFD{{a.FD(), true}, {b.FD(), true}}, 0); n != 2 || err != nil {
		t.Errorf("both can be written: %d, %v", n, err)
	}
}

// A signal interrupts poll(2); the Go runtime sends one to every thread that it
// wants to preempt. Wait must neither fail nor end early.
func TestSignalsDoNotEndTheWait(t *testing.T) {
	p := newPoller(t)
	tid := make(chan int, 1)
	done := make(chan time.Duration, 1)
	const timeout = 100 * time.Millisecond
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tid <- unix.Gettid()
		start := time.Now()
		if _, err := p.Wait(nil, timeout); err != nil {
			t.Error(err)
		}
		done <- time.Since(start)
	}()
	thread := <-tid
	for {
		select {
		case took := <-done:
			if took < timeout {
				t.Errorf("ended after %v, want at least %v", took, timeout)
			}
			return
		case <-time.After(time.Millisecond): // the rate of the signals, not a wait for anything
			unix.Tgkill(unix.Getpid(), thread, unix.SIGURG)
		}
	}
}
