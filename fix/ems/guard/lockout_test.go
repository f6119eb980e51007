package guard

import (
	"net/netip"
	"testing"
)

func TestLockout(t *testing.T) {
	var l lockout
	ip, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	const second = int64(1e9)
	for i := range int64(5) {
		if l.locked(ip, i*second) {
			t.Fatalf("locked after %d failures", i)
		}
		l.failed(ip, i*second)
	}
	for _, c := range []struct {
		ip   netip.Addr
		at   int64
		want bool
	}{{ip, 5, true}, {ip, 63, true}, {ip, 64, false}, {other, 5, false}} {
		if got := l.locked(c.ip, c.at*second); got != c.want {
			t.Errorf("%v at %d s: locked %v, want %v", c.ip, c.at, got, c.want)
		}
	}
	// Failures that are far apart do not add up.
	for i := range int64(5) {
		l.failed(other, i*20*second)
	}
	if l.locked(other, 81*second) {
		t.Error("locked by five failures in 80 s")
	}
}

func TestLockoutForgetsTheOldestAddress(t *testing.T) {
	var l lockout
	address := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	for i := range lockoutAddresses + 10 {
		l.failed(address(i), 0)
	}
	if len(l.fails) != lockoutAddresses || len(l.order) != lockoutAddresses {
		t.Errorf("%d addresses remembered, want %d", len(l.fails), lockoutAddresses)
	}
	if _, ok := l.fails[address(0)]; ok {
		t.Error("the first address is still there")
	}
}

func TestEveryReasonHasAName(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if s := r.String(); s == "" || seen[s] {
			t.Errorf("reason %d: name %q is empty or used twice", r, s)
		} else {
			seen[s] = true
		}
	}
}
