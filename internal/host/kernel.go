package host

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cpuMask reads the kernel's other form of a set of cores: hexadecimal, in groups of 32
// bits with commas between them, the highest first.
func cpuMask(text string) (cores map[int]bool, ok bool) {
	cores = map[int]bool{}
	groups := strings.Split(text, ",")
	for i, group := range groups {
		bits, err := strconv.ParseUint(group, 16, 32)
		if err != nil {
			return nil, false
		}
		for b := range 32 {
			if bits>>b&1 != 0 {
				cores[32*(len(groups)-1-i)+b] = true
			}
		}
	}
	return cores, true
}

// meets reports whether any isolated core is in the mask.
func (h *Host) meets(mask string) bool {
	cores, _ := cpuMask(mask)
	for c := range h.isolated() {
		if cores[c] {
			return true
		}
	}
	return false
}

// kernelWork finds the kernel's deferred work on isolated cores.
func (h *Host) kernelWork() Finding {
	const name, file = "kernel work", "sys/devices/virtual/workqueue/cpumask"
	mask, ok := h.read(file)
	switch {
	case !ok:
		return warn(name, "cannot be read", "mount /sys")
	case len(h.isolated()) == 0:
		return warn(name, "on every core, as none is isolated", "isolate a core first")
	case h.meets(mask):
		return warn(name, "work queues may run on the isolated cores: mask "+mask, "echo 1 > /"+file+" (the others' mask)")
	}
	return pass(name, "not on the isolated cores")
}

// hotNice is the priority that the router's thread asks for.
const hotNice = -20

// priority wants the right to go before other processes.
func (h *Host) priority() Finding {
	const name = "priority"
	r, err := h.Rlimit(unix.RLIMIT_NICE)
	switch {
	case err != nil:
		return warn(name, err.Error(), "run on Linux")
	case r.Cur >= 20-hotNice: // the limit counts from 1 to 40
		return pass(name, "the router's thread may go before others")
	}
	return warn(name, fmt.Sprintf("nice may fall to %d only, unless by root or CAP_SYS_NICE", 20-int64(r.Cur)),
		"LimitNICE=-20 in the service's unit, or setcap cap_sys_nice+ep penstock")
}

// defrag wants no thread to stop for making a huge page that it did not ask for.
func (h *Host) defrag() Finding {
	const name, file = "huge page making", "sys/kernel/mm/transparent_hugepage/defrag"
	text, ok := h.read(file)
	switch {
	case !ok:
		return warn(name, "not in this kernel", "CONFIG_TRANSPARENT_HUGEPAGE=y")
	case strings.Contains(text, "[always]"):
		return warn(name, "at every page fault: it stops the thread for compaction", "echo defer+madvise > /"+file)
	}
	return pass(name, "not at page faults of others")
}

// timeDaemons keep the system clock.
var timeDaemons = map[string]bool{"chronyd": true, "ptp4l": true, "phc2sys": true, "ntpd": true, "systemd-timesyn": true}

// timeDaemon names what keeps the clock, and whether there is a hardware clock for it.
func (h *Host) timeDaemon() Finding {
	const name = "time keeper"
	hardware := len(h.glob("dev/ptp[0-9]*"))
	var found []string
	for _, comm := range h.glob("proc/[0-9]*/comm") {
		if text, _ := h.read(comm); timeDaemons[text] {
			found = append(found, text)
		}
	}
	if len(found) == 0 {
		fix := "run chronyd"
		if hardware > 0 {
			fix = "refclock PHC /dev/ptp0 poll 0 in chrony.conf, then run chronyd"
		}
		return warn(name, fmt.Sprintf("none runs; %d hardware clocks", hardware), fix)
	}
	return pass(name, fmt.Sprintf("%s; %d hardware clocks", strings.Join(found, ", "), hardware))
}

// batching finds cards whose packets the kernel gathers before it hands them on.
func (h *Host) batching() Finding {
	const name = "packet batching"
	var slow, fixes []string
	for _, dir := range h.glob("sys/class/net/*") {
		if len(h.glob(dir+"/device")) == 0 {
			continue
		}
		for _, knob := range []string{"gro_flush_timeout", "napi_defer_hard_irqs"} {
			if n, ok := h.number(dir + "/" + knob); ok && n > 0 {
				slow = append(slow, fmt.Sprintf("%s %s %d", path.Base(dir), knob, n))
				fixes = append(fixes, "echo 0 > /"+dir+"/"+knob)
			}
		}
	}
	if len(slow) == 0 {
		return pass(name, "none")
	}
	return warn(name, strings.Join(slow, ", "), strings.Join(fixes, " && "))
}

// steering finds packets that the kernel works on isolated cores for others.
func (h *Host) steering() Finding {
	const name = "packet steering"
	var fixes []string
	for _, file := range h.glob("sys/class/net/*/queues/rx-*/rps_cpus") {
		if mask, ok := h.read(file); ok && h.meets(mask) {
			fixes = append(fixes, "echo 0 > /"+file)
		}
	}
	if len(fixes) == 0 {
		return pass(name, "not to the isolated cores")
	}
	return warn(name, fmt.Sprintf("%d queues send packets to the isolated cores", len(fixes)), strings.Join(fixes, " && "))
}
