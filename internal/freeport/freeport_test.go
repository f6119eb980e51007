package freeport

import (
	"net"
	"strconv"
	"testing"
)

func TestPortsAreFreeApartAndNotForOutgoingConnections(t *testing.T) {
	from, to := ephemeral()
	seen := map[int]bool{}
	for range 200 {
		port := TCP(t)
		if seen[port] || from <= port && port <= to {
			t.Fatalf("port %d: seen %v, outgoing connections take %d to %d", port, seen[port], from, to)
		}
		seen[port] = true
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(TCP(t))))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c, err := net.ListenPacket("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(UDP(t))))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
