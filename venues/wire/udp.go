package wire

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// UDP is a bound UDP socket. It belongs to one goroutine.
type UDP struct {
	fd    int // -1 once closed
	local netip.AddrPort
	door  door
}

// TruncatedError reports a datagram that did not fit the buffer; the buffer holds
// its beginning.
type TruncatedError struct{ Have, Want int }

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("datagram of %d bytes truncated to %d", e.Want, e.Have)
}

// ListenUDP binds addr, "host:port"; port 0 picks a free one, see LocalAddr. A
// multicast address is joined as by JoinUDP.
func ListenUDP(addr string) (*UDP, error) { return JoinUDP(addr, "") }

// JoinUDP binds addr. When it is a multicast group, such as "239.1.2.3:26477", the
// interface with the given name or number joins it; an empty one leaves the
// choice to the system's routes. Only packets to that group are read, and other
// sockets may join it on the same port.
func JoinUDP(addr, iface string) (*UDP, error) {
	ap, err := Resolve(addr)
	if err != nil {
		return nil, err
	}
	group := ap.Addr().IsMulticast()
	if iface != "" && !group {
		return nil, fmt.Errorf("listen udp %s: an interface joins multicast groups only", ap)
	}
	index, err := zoneIndex(iface)
	if err != nil {
		return nil, fmt.Errorf("listen udp %s: interface %q: %w", ap, iface, err)
	}
	family, sa, err := sockaddr(ap)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("listen udp %s: %w", ap, os.NewSyscallError("socket", err))
	}
	u := &UDP{fd: fd}
	if group {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = unix.Bind(fd, sa)
	}
	if err == nil && group {
		err = join(fd, ap.Addr(), index)
	}
	if err == nil {
		sa, err = unix.Getsockname(fd)
	}
	if err != nil {
		u.Close()
		return nil, fmt.Errorf("listen udp %s: %w", ap, err)
	}
	u.local = addrPort(sa)
	return u, nil
}

// MayJoin reports whether JoinUDP could join addr with an interface: it is a multicast group, or a name
// that is not looked up here.
func MayJoin(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err != nil || ap.Addr().Unmap().IsMulticast()
}

// join adds the socket to a group; the kernel then asks the network for it (IGMP,
// MLD) until the socket is closed.
func join(fd int, group netip.Addr, index uint32) error {
	if group.Is4() {
		return os.NewSyscallError("join group", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP,
			unix.IP_ADD_MEMBERSHIP, &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)}))
	}
	return os.NewSyscallError("join group", unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6,
		unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: index}))
}

// SetReadBuffer asks the kernel for a receive buffer and returns the size that it
// granted, in bytes of its own accounting (about twice the payload).
func (u *UDP) SetReadBuffer(bytes int) (granted int, err error) {
	if err := unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes); err != nil {
		return 0, fmt.Errorf("receive buffer of %s: %w", u.local, err)
	}
	return unix.GetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
}

// Read reads one datagram, 0 and nil when none is there; empty datagrams are
// skipped. A *TruncatedError says that buf was too short.
func (u *UDP) Read(buf []byte) (int, error) {
	if u.door.shut() {
		return 0, nil
	}
	for {
		n, errno := receive(u.fd, buf, unix.MSG_TRUNC)
		u.door.ready = errno == 0 // another one may be there
		switch {
		case errno == unix.EAGAIN:
			return 0, nil
		case errno == unix.EBADF && u.fd < 0:
			return 0, os.ErrClosed
		case errno == unix.ECONNREFUSED: // answer to an earlier WriteTo, not to this read
			continue
		case errno != 0:
			return 0, fmt.Errorf("read udp %s: %w", u.local, errno)
		case n > len(buf):
			return len(buf), &TruncatedError{Have: len(buf), Want: n}
		case n > 0:
			return n, nil
		}
	}
}

// WriteTo sends one datagram; sent is false when the kernel has no room.
func (u *UDP) WriteTo(p []byte, to netip.AddrPort) (sent bool, err error) {
	_, sa, err := sockaddr(to)
	if err != nil {
		return false, err
	}
	for {
		err = unix.Sendto(u.fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, sa)
		switch err {
		case nil:
			return true, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return false, nil
		default:
			return false, fmt.Errorf("write udp %s: %w", to, err)
		}
	}
}

// Gate lets g ask for the socket together with others.
func (u *UDP) Gate(g *Gate) error { return g.enter(&u.door, u.fd) }

// LocalAddr returns the bound address as "host:port".
func (u *UDP) LocalAddr() string { return u.local.String() }

// FD returns the file descriptor, -1 once closed.
func (u *UDP) FD() int { return u.fd }

// Close closes the socket. A second Close does nothing.
func (u *UDP) Close() error {
	if u.fd < 0 {
		return nil
	}
	u.door.leave(u.fd)
	err := unix.Close(u.fd)
	u.fd = -1
	return err
}
