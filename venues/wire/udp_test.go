package wire

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func listenUDP(t *testing.T, addr string) *UDP {
	t.Helper()
	u, err := ListenUDP(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

func TestDatagramsKeepTheirBounds(t *testing.T) {
	for _, addr := range loopbacks(t) {
		t.Run(addr, func(t *testing.T) {
			a, b := listenUDP(t, addr), listenUDP(t, addr)
			buf := make([]byte, 100)
			if n, err := b.Read(buf); n != 0 || err != nil {
				t.Fatalf("nothing there: %d, %v", n, err)
			}
			to := netip.MustParseAddrPort(b.LocalAddr())
			for _, s := range []string{"one", "", "three", "a datagram of thirty-three bytes!"} {
				if ok, err := a.WriteTo([]byte(s), to); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			p := newPoller(t)
			read := func(buf []byte) (string, error) {
				if _, err := p.Wait([]PollFD{{FD: b.FD()}}, patience); err != nil {
					t.Fatal(err)
				}
				n, err := b.Read(buf)
				return string(buf[:n]), err
			}
			if got, err := read(buf); got != "one" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if got, err := read(buf); got != "three" || err != nil {
				t.Errorf("the empty one is skipped: got %q, %v", got, err)
			}
			var cut *TruncatedError
			if got, err := read(buf[:10]); got != "a datagram" || !errors.As(err, &cut) || cut.Want != 33 {
				t.Errorf("too long: got %q, %v", got, err)
			}
		})
	}
}

func TestReadBufferGrows(t *testing.T) {
	u := listenUDP(t, "127.0.0.1:0")
	small, err1 := u.SetReadBuffer(8192)
	large, err2 := u.SetReadBuffer(128 << 10)
	if errors.Join(err1, err2) != nil || large <= small {
		t.Errorf("granted %d then %d, %v, %v", small, large, err1, err2)
	}
}

func TestBoundAddressIsRefusedTwice(t *testing.T) {
	u := listenUDP(t, "127.0.0.1:0")
	if again, err := ListenUDP(u.LocalAddr()); err == nil {
		again.Close()
		t.Error("bound twice")
	}
	if _, err := ListenUDP("nowhere"); err == nil {
		t.Error("an address without port was accepted")
	}
}

func TestUDPDoesNotAllocate(t *testing.T) {
	u := listenUDP(t, "127.0.0.1:0")
	b := make([]byte, 64)
	if n := testing.AllocsPerRun(50, func() { u.Read(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMulticastGroupIsJoined(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	const group = "239.255.77.1"
	a, err := JoinUDP(group+":0", "lo")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	b, err := JoinUDP(a.LocalAddr(), "1") // the same group and port: another process may
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	to := netip.MustParseAddrPort(a.LocalAddr())
	if to.Addr().String() != group {
		t.Fatalf("bound to %s", to)
	}
	other, err := JoinUDP(netip.AddrPortFrom(netip.MustParseAddr("239.255.77.2"), to.Port()).String(), "lo")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	from := listenUDP(t, "127.0.0.1:0")
	if err := unix.SetsockoptIPMreqn(from.FD(), unix.IPPROTO_IP, unix.IP_MULTICAST_IF,
		&unix.IPMreqn{Ifindex: int32(lo.Index)}); err != nil {
		t.Fatal(err)
	}
	if ok, err := from.WriteTo([]byte("packet"), to); !ok || err != nil {
		t.Fatal(ok, err)
	}
	p, buf := newPoller(t), make([]byte, 100)
	for name, u := range map[string]*UDP{"first": a, "second": b} {
		if _, err := p.Wait([]PollFD{{FD: u.FD()}}, patience); err != nil {
			t.Fatal(err)
		}
		if n, err := u.Read(buf); string(buf[:n]) != "packet" || err != nil {
			t.Errorf("%s member: %q, %v", name, buf[:n], err)
		}
	}
	if n, err := other.Read(buf); n != 0 || err != nil {
		t.Errorf("another group on the port heard %q, %v", buf[:n], err)
	}
}

func TestJoinSaysWhatIsWrong(t *testing.T) {
	for addr, iface := range map[string]string{
		"127.0.0.1:0":     "lo",
		"239.255.77.1:0":  "nosuchif0",
		"239.255.77.1":    "",
		"239.255.77.1:01": "99999",
	} {
		if u, err := JoinUDP(addr, iface); err == nil {
			u.Close()
			t.Errorf("%s on %q: accepted", addr, iface)
		}
	}
}
