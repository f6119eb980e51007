// Package freeport finds ports for tests that must name one before it is listened on, or that
// listen on it again after a restart.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

// The ports to choose from. The kernel gives outgoing connections theirs from
// net.ipv4.ip_local_port_range, by default 32768 to 60999 (ip-sysctl.rst): a port of that range that
// is free now may be the near end of somebody's connection when it is wanted.
const lowest, highest = 10_000, 65_535

var (
	mu    sync.Mutex
	given = map[int]bool{} // by this process
)

// TCP returns a port of 127.0.0.1 on which nobody listens and that no outgoing connection takes.
func TCP(t testing.TB) int {
	return find(t, func(addr string) error {
		l, err := net.Listen("tcp", addr)
		if err == nil {
			l.Close()
		}
		return err
	})
}

// UDP returns such a port for datagrams.
func UDP(t testing.TB) int {
	return find(t, func(addr string) error {
		c, err := net.ListenPacket("udp", addr)
		if err == nil {
			c.Close()
		}
		return err
	})
}

func find(t testing.TB, try func(addr string) error) int {
	t.Helper()
	from, to := ephemeral()
	mu.Lock()
	defer mu.Unlock()
	err := fmt.Errorf("outgoing connections may take every one of them (net.ipv4.ip_local_port_range %d %d)", from, to)
	for range 10_000 {
		port := lowest + rand.IntN(highest-lowest+1)
		if given[port] || from <= port && port <= to {
			continue
		}
		if err = try(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			given[port] = true
			return port
		}
	}
	t.Fatalf("no free port of %d to %d: %v", lowest, highest, err)
	return 0
}

// ephemeral returns the range of the ports of outgoing connections, Linux's default where it
// cannot be read.
func ephemeral() (from, to int) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, err = fmt.Sscan(string(text), &from, &to)
	}
	if err != nil {
		return 32768, 60999
	}
	return from, to
}
