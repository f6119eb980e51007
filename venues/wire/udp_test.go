package wire

import (
	"errors"
	"net/netip"
	"testing"
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
