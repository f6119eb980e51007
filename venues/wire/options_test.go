package wire

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func listenAt(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func socketOption(t *testing.T, s Stream, level, option int) int {
	t.Helper()
	v, err := unix.GetsockoptInt(s.(interface{ FD() int }).FD(), level, option)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTuneSetsWhatTheKernelThenShows(t *testing.T) {
	a := newAuthority(t)
	secure, err := ClientTLS(TLSFiles{ServerName: "venue.test", CAFile: a.file})
	if err != nil {
		t.Fatal(err)
	}
	for name, dial := range map[string]func(netip.AddrPort) (Stream, error){
		"plain": func(ap netip.AddrPort) (Stream, error) { return DialStream(ap, nil, 0) },
		"TLS":   func(ap netip.AddrPort) (Stream, error) { return DialStream(ap, secure, time.Second) },
	} {
		s, err := dial(listenAt(t))
		if err != nil {
			t.Fatal(err)
		}
		o := Options{QuickAck: true, BusyPollMicros: 37, UserTimeoutMillis: 4321}
		refused, err := Tune(s, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []struct {
			name          string
			level, option int
			value         int
		}{
			{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{"TCP_QUICKACK", unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1},
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 4321},
		} {
			if got := socketOption(t, s, want.level, want.option); got != want.value {
				t.Errorf("%s: %s is %d, want %d", name, want.name, got, want.value)
			}
		}
		switch got := socketOption(t, s, unix.SOL_SOCKET, unix.SO_BUSY_POLL); {
		case refused == nil && got != 37:
			t.Errorf("%s: SO_BUSY_POLL is %d, want 37", name, got)
		case refused != nil && !errors.Is(refused, os.ErrPermission) && !errors.Is(refused, unix.ENOPROTOOPT):
			t.Errorf("%s: refused for another reason than permission: %v", name, refused)
		case refused != nil && !strings.Contains(refused.Error(), "SO_BUSY_POLL"):
			t.Errorf("%s: the refusal does not name the option: %v", name, refused)
		}
		s.Close()
		if _, err := Tune(s, o); err == nil {
			t.Errorf("%s: a closed socket was tuned", name)
		}
	}
}

func TestQuickAckIsSetAgainWithoutAllocating(t *testing.T) {
	s, err := DialStream(listenAt(t), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for state := Connecting; state != Open; {
		if state, err = s.Poll(); err != nil {
			t.Fatal(err)
		}
	}
	fd := s.(*Conn).FD()
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { QuickAck(s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := socketOption(t, s, unix.IPPROTO_TCP, unix.TCP_QUICKACK); got != 1 {
		t.Errorf("TCP_QUICKACK is %d, want 1", got)
	}
}
