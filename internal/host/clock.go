package host

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// clockSource wants the time stamp counter: any other makes each reading of the
// clock a system call or an exit to the hypervisor.
func (h *Host) clockSource() Finding {
	const name = "clock source"
	source, ok := h.read("sys/devices/system/clocksource/clocksource0/current_clocksource")
	cpuinfo, _ := h.read("proc/cpuinfo")
	invariant := hasFlag(cpuinfo, "constant_tsc") && hasFlag(cpuinfo, "nonstop_tsc")
	switch {
	case !ok:
		return warn(name, "cannot be read", "mount /sys")
	case source == "tsc" && invariant:
		return pass(name, "tsc, invariant")
	case source == "kvm-clock" && invariant:
		return warn(name, "kvm-clock over an invariant tsc",
			"echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource")
	case source == "tsc":
		return warn(name, "tsc, not invariant: its rate follows the core's", "disable frequency scaling")
	}
	return fail(name, source+": a reading costs about a microsecond",
		"kernel command line: clocksource=tsc tsc=reliable")
}

// hasFlag looks for one word in the flags of /proc/cpuinfo.
func hasFlag(cpuinfo, flag string) bool {
	for line := range strings.Lines(cpuinfo) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) != "flags" {
			continue
		}
		for word := range strings.FieldsSeq(value) {
			if word == flag {
				return true
			}
		}
	}
	return false
}

// offsetLimit is the largest error of the clock that reports may carry: MiFID II
// RTS 25 asks for 100 µs of high-frequency trading.
const offsetLimit = 100 * time.Microsecond

func (h *Host) timeSync() Finding {
	const name, fix = "time of day", "run chronyd with a local server, or ptp4l and phc2sys: see chronyc tracking"
	t, state, err := h.TimeSync()
	switch {
	case err != nil:
		return warn(name, "cannot be read: "+err.Error(), "run on Linux")
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		return fail(name, "not synchronised", fix)
	}
	estimate := time.Duration(t.Esterror) * time.Microsecond
	saw := fmt.Sprintf("synchronised, estimated error %v", estimate)
	if estimate > offsetLimit {
		return warn(name, saw, fix)
	}
	return pass(name, saw)
}
