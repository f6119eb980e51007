package host

import (
	"fmt"
	"strconv"
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
	set, _ := numberList(reserved)
	switch {
	case port < from || port > to:
		return pass(name, fmt.Sprintf("%d, outgoing connections get %d to %d", port, from, to))
	case set[port]:
		return pass(name, fmt.Sprintf("%d, reserved", port))
	}
	list := strconv.Itoa(port)
	if reserved != "" { // the setting replaces what was there
		list = reserved + "," + list
	}
	return warn(name, fmt.Sprintf("%d is one of those that outgoing connections get (%d to %d): after a crash one may hold it", port, from, to),
		"sysctl -w net.ipv4.ip_local_reserved_ports="+list)
}
