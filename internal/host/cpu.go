package host

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

const sysCPU = "sys/devices/system/cpu/"

// cores wants one for the router, one for its feeds and sessions, and others for
// everything else.
func (h *Host) cores() Finding {
	const name = "cores"
	text, ok := h.read(sysCPU + "online")
	cores, valid := numberList(text)
	switch {
	case !ok || !valid:
		return warn(name, "cannot be read", "mount /sys")
	case len(cores) < 2:
		return fail(name, "1 online", "give the machine at least 2 cores: the router spins on one")
	case len(cores) < 4:
		return warn(name, fmt.Sprintf("%d online: feeds, clients and the kernel share what the router leaves", len(cores)),
			"use 4 cores or more; until then idle = \"park\" in the configuration")
	}
	return pass(name, fmt.Sprintf("%d online", len(cores)))
}

// quota finds a control group that takes the processor away.
func (h *Host) quota() Finding {
	const name = "cpu quota"
	text, ok := h.read("sys/fs/cgroup/cpu.max")
	if !ok || strings.HasPrefix(text, "max") {
		return pass(name, "none")
	}
	return fail(name, "cpu.max "+text+": the group is stopped when it is used up",
		"echo max > /sys/fs/cgroup/cpu.max, or CPUQuota= in the service's unit")
}

// isolated returns the cores that the scheduler leaves alone.
func (h *Host) isolated() map[int]bool {
	text, _ := h.read(sysCPU + "isolated")
	cores, _ := numberList(text)
	return cores
}

func (h *Host) isolation() Finding {
	const name = "isolated cores"
	if text, _ := h.read(sysCPU + "isolated"); len(h.isolated()) > 0 {
		return pass(name, text)
	}
	return warn(name, "none: any thread may run on the router's core",
		"kernel command line: isolcpus=managed_irq,domain,1 and in the configuration router.core = 1")
}

func (h *Host) tickless() Finding {
	const name = "timer ticks"
	text, _ := h.read(sysCPU + "nohz_full")
	if cores, ok := numberList(text); ok && len(cores) > 0 {
		return pass(name, "off on "+text)
	}
	return warn(name, "on every core: 10 to 20 µs each, 100 to 1000 times a second",
		"kernel command line: nohz_full=1 rcu_nocbs=1 (the router's core)")
}

// interrupts finds devices that may interrupt an isolated core.
func (h *Host) interrupts() Finding {
	const name = "interrupts"
	isolated := h.isolated()
	for _, comm := range h.glob("proc/[0-9]*/comm") {
		if text, _ := h.read(comm); text == "irqbalance" {
			return warn(name, "irqbalance runs and moves them", "systemctl disable --now irqbalance")
		}
	}
	if len(isolated) == 0 {
		saw := "on every core, as none is isolated"
		if core := h.QuietestCore(h.onlineCores()); core >= 0 {
			saw += fmt.Sprintf("; core %d has had the fewest of devices", core)
		}
		return warn(name, saw, "isolate a core first")
	}
	var on []string
	for _, file := range h.glob("proc/irq/*/effective_affinity_list") {
		text, _ := h.read(file)
		cores, _ := numberList(text)
		for c := range cores {
			if isolated[c] {
				on = append(on, path.Base(path.Dir(file)))
				break
			}
		}
	}
	if len(on) == 0 {
		return pass(name, "none on the isolated cores")
	}
	return warn(name, fmt.Sprintf("%d on isolated cores: %s", len(on), strings.Join(on[:min(len(on), 8)], " ")),
		"for i in "+strings.Join(on, " ")+"; do echo 0 > /proc/irq/$i/smp_affinity_list; done")
}

func (h *Host) hyperthreads() Finding {
	const name = "hyperthreads"
	text, ok := h.read(sysCPU + "smt/active")
	if !ok || text == "0" {
		return pass(name, "off")
	}
	return warn(name, "on: the sibling of the router's core shares its caches and units",
		"echo off > /sys/devices/system/cpu/smt/control")
}

func (h *Host) governor() Finding {
	const name = "cpu frequency"
	files := h.glob(sysCPU + "cpu[0-9]*/cpufreq/scaling_governor")
	if len(files) == 0 {
		return warn(name, "not visible (a guest: its host decides)", "ask for a host that does not scale")
	}
	for _, file := range files {
		if text, _ := h.read(file); text != "performance" {
			return warn(name, path.Base(path.Dir(path.Dir(file)))+" is governed by "+text,
				"cpupower frequency-set -g performance")
		}
	}
	return pass(name, "performance on every core")
}

// wakeLimit is the longest wake-up from an idle state that is no stall, µs.
const wakeLimit = 2

func (h *Host) idleStates() Finding {
	const name = "idle states"
	states := h.glob(sysCPU + "cpu[0-9]*/cpuidle/state[0-9]*")
	if len(states) == 0 {
		return pass(name, "none")
	}
	worst, label := int64(0), ""
	for _, state := range states {
		micros, ok := h.number(state + "/latency")
		if disabled, _ := h.number(state + "/disable"); ok && disabled == 0 && micros > worst {
			worst = micros
			label, _ = h.read(state + "/name")
		}
	}
	if worst <= wakeLimit {
		return pass(name, fmt.Sprintf("wake up within %d µs", worst))
	}
	return warn(name, fmt.Sprintf("%s takes %d µs to leave", label, worst),
		"cpupower idle-set -D "+strconv.Itoa(wakeLimit)+", or kernel command line: processor.max_cstate=1 intel_idle.max_cstate=0")
}

// steal finds a hypervisor that runs somebody else on our cores.
func (h *Host) steal() Finding {
	const name = "stolen time"
	text, ok := h.read("proc/stat")
	fields := strings.Fields(strings.SplitN(text, "\n", 2)[0])
	if !ok || len(fields) < 9 || fields[0] != "cpu" {
		return warn(name, "cannot be read", "mount /proc")
	}
	var total, stolen float64
	for i, f := range fields[1:] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return warn(name, "/proc/stat: "+err.Error(), "mount /proc")
		}
		if i < 8 { // guest time is in user time already
			total += n
		}
		if i == 7 {
			stolen = n
		}
	}
	share := 100 * stolen / max(total, 1)
	saw := fmt.Sprintf("%.2f%% since the machine started", share)
	if share > 0.01 {
		return warn(name, saw, "use a machine whose cores are its own")
	}
	return pass(name, saw)
}

// onlineCores returns the cores in order.
func (h *Host) onlineCores() (cores []int) {
	text, _ := h.read(sysCPU + "online")
	set, _ := numberList(text)
	for c := range set {
		cores = append(cores, c)
	}
	slices.Sort(cores)
	return cores
}

// QuietestCore returns that of cores to which devices have sent the fewest interrupts
// since the machine started, the last of those that are equal; -1 when it cannot be seen.
// A disk that answers a journal's syncs on the router's core stops it 1,000 times a second.
func (h *Host) QuietestCore(cores []int) int {
	counts, ok := h.deviceInterrupts()
	best := -1
	for _, c := range cores {
		if ok && c < len(counts) && (best < 0 || counts[c] <= counts[best]) {
			best = c
		}
	}
	return best
}

// deviceInterrupts sums the numbered lines of /proc/interrupts by core. The others are
// the kernel's own: timers, calls between cores.
func (h *Host) deviceInterrupts() (counts []uint64, ok bool) {
	text, ok := h.read("proc/interrupts")
	if !ok {
		return nil, false
	}
	for line := range strings.Lines(text) {
		name, rest, found := strings.Cut(line, ":")
		if !found {
			counts = make([]uint64, len(strings.Fields(line))) // CPU0 CPU1 …
			continue
		}
		if _, err := strconv.Atoi(strings.TrimSpace(name)); err != nil {
			continue
		}
		for c, field := range strings.Fields(rest) {
			if c == len(counts) {
				break
			}
			n, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				return nil, false
			}
			counts[c] += n
		}
	}
	return counts, len(counts) > 0
}
