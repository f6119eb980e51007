package host

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestPortsThatOutgoingConnectionsGet(t *testing.T) {
	for _, tt := range []struct {
		ports, reserved string
		port            int
		grade           Grade
		fix             string
	}{
		{"32768\t60999\n", "\n", 9878, Pass, ""},
		{"32768\t60999\n", "\n", 32767, Pass, ""},
		{"32768\t60999\n", "\n", 32768, Warn, "sysctl -w net.ipv4.ip_local_reserved_ports=32768"},
		{"32768\t60999\n", "\n", 60999, Warn, "sysctl -w net.ipv4.ip_local_reserved_ports=60999"},
		{"32768\t60999\n", "\n", 61000, Pass, ""},
		{"32768\t60999\n", "40000\n", 40000, Pass, ""},
		{"32768\t60999\n", "35000,39999-40001\n", 40001, Pass, ""},
		{"32768\t60999\n", "35000,39999-40001\n", 40002, Warn, "sysctl -w net.ipv4.ip_local_reserved_ports=35000,39999-40001,40002"},
		{"all\n", "\n", 40002, Warn, "mount /proc"},
	} {
		h := &Host{FS: fstest.MapFS{
			"proc/sys/net/ipv4/ip_local_port_range":     {Data: []byte(tt.ports)},
			"proc/sys/net/ipv4/ip_local_reserved_ports": {Data: []byte(tt.reserved)},
		}}
		if f := h.Port(tt.port); f.Grade != tt.grade || f.Fix != tt.fix || strings.TrimSpace(f.Saw) == "" {
			t.Errorf("%d of %q, reserved %q: %+v", tt.port, tt.ports, tt.reserved, f)
		}
	}
}
