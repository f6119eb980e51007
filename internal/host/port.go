package host

import (
	"fmt"
	"strconv"
	"strings"
)

// Port says whether the kernel may give a port that is listened on to an outgoing connection
// (ip-sysctl.rst: ip_local_port_range, ip_local_reserved_ports): while its listener is away,
// after a crash, whoever holds such a connection keeps the next start from having it.
func (h *Host) Port(port int) Finding {
	const name = "clients' port"
	text, ok := h.read("proc/sys/net/ipv4/ip_local_port_range")
	var from, to int
	if _, err := fmt.Sscan(text, &from, &to); !ok || err != nil {
		return warn(name, "whether outgoing connections may get it cannot be read", "mount /proc")
	}
	reserved, _ := h.read("proc/sys/net/ipv4/ip_local_reserved_ports")
	switch {
	case port < from || port > to:
		return pass(name, fmt.Sprintf("%d, outgoing connections get %d to %d", port, from, to))
	case contains(reserved, port):
		return pass(name, fmt.Sprintf("%d, reserved", port))
	}
	list := strconv.Itoa(port)
	if reserved != "" { // the setting replaces what was there
		list = reserved + "," + list
	}
	return warn(name, fmt.Sprintf("%d is one of those that outgoing connections get (%d to %d): after a crash one may hold it", port, from, to),
		"sysctl -w net.ipv4.ip_local_reserved_ports="+list)
}

// contains reports whether a list of ports and ranges, 8080,9148-9150, has one.
func contains(list string, port int) bool {
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		last := first
		if ranged && err == nil {
			last, err = strconv.Atoi(to)
		}
		if err == nil && first <= port && port <= last {
			return true
		}
	}
	return false
}
