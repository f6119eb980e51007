package wire

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// PollFD is one thing to wait for: FD readable, and writable too when Write is
// set (a Conn that connects or has bytes left). A negative FD is ignored.
type PollFD struct {
	FD    int
	Write bool
}

// Poller parks one goroutine in poll(2) until a descriptor is ready, the doorbell
// rings or time is up. Wait belongs to one goroutine, Ring may come from any.
type Poller struct {
	bell int // eventfd
	fds  []unix.PollFd
}

// NewPoller returns a Poller for about fds descriptors.
func NewPoller(fds int) (*Poller, error) {
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("poller: eventfd: %w", err)
	}
	return &Poller{bell: bell, fds: make([]unix.PollFd, 0, fds+1)}, nil
}

// Wait returns how many of fds are ready, 0 after a ring or when timeout is over.
// A timeout of 0 only looks, a negative one waits for ever; others are rounded up
// to milliseconds. A ring that came before Wait ends it at once.
func (p *Poller) Wait(fds []PollFD, timeout time.Duration) (ready int, err error) {
	p.fds = append(p.fds[:0], unix.PollFd{Fd: int32(p.bell), Events: unix.POLLIN})
	for _, f := range fds {
		events := int16(unix.POLLIN)
		if f.Write {
			events |= unix.POLLOUT
		}
		p.fds = append(p.fds, unix.PollFd{Fd: int32(f.FD), Events: events})
	}
	n, err := p.poll(timeout)
	if err != nil {
		return 0, fmt.Errorf("poller: %w", err)
	}
	if p.fds[0].Revents != 0 {
		n--
		var count [8]byte
		if _, err := unix.Read(p.bell, count[:]); err != nil && err != unix.EAGAIN {
			return 0, fmt.Errorf("poller: doorbell: %w", err)
		}
	}
	return n, nil
}

// poll repeats an interrupted poll(2) for the rest of the time: the Go runtime
// interrupts system calls with its preemption signal.
func (p *Poller) poll(timeout time.Duration) (int, error) {
	deadline := time.Now().Add(timeout)
	for {
		ms := -1
		if timeout >= 0 {
			ms = int((max(timeout, 0) + time.Millisecond - 1) / time.Millisecond)
		}
		n, err := unix.Poll(p.fds, ms)
		if err != unix.EINTR {
			return n, err
		}
		if timeout >= 0 {
			timeout = max(time.Until(deadline), 0)
		}
	}
}

// Ring ends the current Wait, or the next one. It does not block.
func (p *Poller) Ring() {
	one := [8]byte{0: 1}
	for {
		if _, err := unix.Write(p.bell, one[:]); err != unix.EINTR {
			return // EAGAIN: the counter is full, so the bell rings anyway
		}
	}
}

// Close frees the doorbell. No Wait or Ring may follow.
func (p *Poller) Close() error { return unix.Close(p.bell) }
