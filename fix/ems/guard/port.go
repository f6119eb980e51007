package guard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Port is a TCP port that is taken and on which nobody is listened to yet: connections are
// refused. The kernel gives a port that is bound to no outgoing connection, so one that a start
// takes before anything else is neither lost to another process while the start goes on, nor
// found in use at its end.
type Port struct {
	fd   int // -1: closed, or listening
	addr string
}

// Bind takes the port of addr, host:port; port 0 is any.
func Bind(addr string) (*Port, error) {
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	if at.IP.IsUnspecified() { // [::] and 0.0.0.0 mean every address, too, as for net.Listen
		at.IP = nil
	}
	p := &Port{fd: -1}
	// Connections of a process that was killed keep the port for a minute from all but those who
	// set SO_REUSEADDR. Who sets it shares a bound port with others that do, until one listens:
	// so not without need.
	for _, reuse := range [...]int{0, 1} {
		if err = p.bind(at, reuse); err == nil {
			p.addr, err = p.name(at)
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	return p, nil
}

func (p *Port) bind(at *net.TCPAddr, reuse int) (err error) {
	p.Close()
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: at.Port})
	ip, _ := netip.AddrFromSlice(at.IP)
	switch {
	case ip.Unmap().Is4():
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: at.Port, Addr: ip.Unmap().As4()}
	case ip.Is6():
		in6 := &unix.SockaddrInet6{Port: at.Port, Addr: ip.As16()}
		if at.Zone != "" {
			nic, err := net.InterfaceByName(at.Zone)
			if err != nil {
				return err
			}
			in6.ZoneId = uint32(nic.Index)
		}
		sa = in6
	}
	const kind = unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	p.fd, err = unix.Socket(family, kind, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) && len(at.IP) == 0 { // a host without IPv6
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: at.Port}
		p.fd, err = unix.Socket(family, kind, 0)
	}
	if err != nil {
		p.fd = -1
		return os.NewSyscallError("socket", err)
	}
	if family == unix.AF_INET6 {
		only := 1
		if len(at.IP) == 0 { // every address of both families
			only = 0
		}
		if err := unix.SetsockoptInt(p.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, reuse); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("bind", unix.Bind(p.fd, sa))
}

// name returns the address that is bound.
func (p *Port) name(at *net.TCPAddr) (string, error) {
	sa, err := unix.Getsockname(p.fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	port := 0
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		port = sa.Port
	case *unix.SockaddrInet6:
		port = sa.Port
	}
	return (&net.TCPAddr{IP: at.IP, Port: port, Zone: at.Zone}).String(), nil
}

// Addr returns the address, with the port that was taken.
func (p *Port) Addr() string { return p.addr }

// Number returns the port's number.
func (p *Port) Number() int {
	_, port, _ := net.SplitHostPort(p.addr)
	n, _ := strconv.Atoi(port)
	return n
}

// backlog is how many connections may wait to be accepted; the kernel takes no more than
// net.core.somaxconn.
const backlog = 4096

// listen lets connections come. The port is the listener's from then on.
func (p *Port) listen() (net.Listener, error) {
	if p.fd < 0 {
		return nil, net.ErrClosed
	}
	f := os.NewFile(uintptr(p.fd), p.addr)
	p.fd = -1
	defer f.Close() // the listener has a copy
	// Connections inherit it, and so let the next start have the port while they linger.
	if err := unix.SetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Listen(int(f.Fd()), backlog); err != nil {
		return nil, fmt.Errorf("%s: %w", p.addr, os.NewSyscallError("listen", err))
	}
	return net.FileListener(f)
}

// Close gives a port back that was never listened on. It may be called again.
func (p *Port) Close() {
	if p != nil && p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}
