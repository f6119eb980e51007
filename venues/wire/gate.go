package wire

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Gate asks the kernel for many sockets at once which of them have something to read, where
// each would ask for itself: an epoll set, level-triggered. Between Look and Open a socket of
// the gate that was not found ready reads nothing; at any other time it reads as one without a gate.
// A nil Gate is one without sockets. It belongs to the goroutine that owns them.
//
//	    Look ──► ready: a, c        Open
//	turn ├── a.Read ── b.Read ── c.Read ──┤
//	          recv       0         recv
type Gate struct {
	fd     int
	shut   bool
	doors  []*door // by number, nil: free
	events [gateEvents]unix.EpollEvent
}

// gateEvents bounds what one Look learns; the kernel begins the next one behind them.
const gateEvents = 64

// door is a socket's part of its gate. The zero value belongs to none.
type door struct {
	gate   *Gate
	number int
	ready  bool
}

// NewGate returns a Gate without sockets.
func NewGate() (*Gate, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", os.NewSyscallError("epoll_create1", err))
	}
	return &Gate{fd: fd}, nil
}

// Look finds out which sockets are ready. It does not wait. When the kernel refuses to tell,
// the gate stays open.
func (g *Gate) Look() {
	if g == nil || len(g.doors) == 0 {
		return
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_WAIT, uintptr(g.fd),
		uintptr(unsafe.Pointer(&g.events)), gateEvents, 0, 0, 0)
	g.shut = errno == 0
	if errno != 0 {
		return
	}
	for i := range g.events[:n] {
		if d := g.doors[g.events[i].Fd]; d != nil {
			d.ready = true
		}
	}
}

// Open lets every socket read again.
func (g *Gate) Open() {
	if g != nil {
		g.shut = false
	}
}

// Close frees the set. Its sockets go on without a gate.
func (g *Gate) Close() error {
	g.shut = false
	for _, d := range g.doors {
		if d != nil {
			*d = door{}
		}
	}
	g.doors = nil
	return unix.Close(g.fd)
}

// enter makes d the door of fd.
func (g *Gate) enter(d *door, fd int) error {
	number := 0
	for number < len(g.doors) && g.doors[number] != nil {
		number++
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(number)}
	if err := unix.EpollCtl(g.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("gate: %w", os.NewSyscallError("epoll_ctl", err))
	}
	if number == len(g.doors) {
		g.doors = append(g.doors, nil)
	}
	g.doors[number] = d
	*d = door{gate: g, number: number}
	return nil
}

// leave takes the door away before fd is closed.
func (d *door) leave(fd int) {
	if d.gate == nil {
		return
	}
	_ = unix.EpollCtl(d.gate.fd, unix.EPOLL_CTL_DEL, fd, nil) // it goes with the descriptor at the latest
	d.gate.doors[d.number] = nil
	*d = door{}
}

// shut reports whether nothing is there to read.
func (d *door) shut() bool { return d.gate != nil && d.gate.shut && !d.ready }
