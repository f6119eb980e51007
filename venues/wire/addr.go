package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Resolve turns "host:port" into an address. A numeric host is parsed, a name is
// looked up, which blocks: do it at start.
func Resolve(addr string) (netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	if addr == "" {
		return netip.AddrPort{}, errors.New("address is empty: want host:port")
	}
	t, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", addr, err)
	}
	ap := t.AddrPort()
	if !ap.Addr().IsValid() { // ":port" names this host
		ap = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// sockaddr returns the address family and socket address of ap.
func sockaddr(ap netip.AddrPort) (family int, sa unix.Sockaddr, err error) {
	if ap.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}, nil
	}
	zone, err := zoneIndex(ap.Addr().Zone())
	if err != nil {
		return 0, nil, fmt.Errorf("address %s: %w", ap, err)
	}
	return unix.AF_INET6, &unix.SockaddrInet6{
		Port: int(ap.Port()), ZoneId: zone, Addr: ap.Addr().As16(),
	}, nil
}

// zoneIndex returns the interface index of an IPv6 zone, given by name or number.
func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(ifi.Index), nil
}

// addrPort is the inverse of sockaddr; the zone is its number.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(sa.ZoneId), 10))
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port))
	}
	return netip.AddrPort{}
}
