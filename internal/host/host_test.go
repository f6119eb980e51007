package host

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// tuned is a machine that passes everything.
func tuned() *Host {
	files := fstest.MapFS{}
	for path, text := range map[string]string{
		sysCPU + "online":                                                 "0-7\n",
		sysCPU + "isolated":                                               "2-3\n",
		sysCPU + "nohz_full":                                              "2-3\n",
		sysCPU + "smt/active":                                             "0\n",
		sysCPU + "cpu0/cpufreq/scaling_governor":                          "performance\n",
		sysCPU + "cpu2/cpuidle/state0/latency":                            "0\n",
		sysCPU + "cpu2/cpuidle/state0/name":                               "POLL\n",
		sysCPU + "cpu2/cpuidle/state0/disable":                            "0\n",
		sysCPU + "cpu2/cpuidle/state1/latency":                            "133\n",
		sysCPU + "cpu2/cpuidle/state1/name":                               "C6\n",
		sysCPU + "cpu2/cpuidle/state1/disable":                            "1\n",
		"sys/fs/cgroup/cpu.max":                                           "max 100000\n",
		"proc/1/comm":                                                     "systemd\n",
		"proc/irq/24/effective_affinity_list":                             "0\n",
		"proc/stat":                                                       "cpu  100 0 100 1000000 0 0 0 0 0 0\ncpu0 1 2\n",
		"proc/cpuinfo":                                                    "processor\t: 0\nflags\t\t: fpu tsc constant_tsc nonstop_tsc\n",
		"proc/swaps":                                                      "Filename Type Size Used Priority\n",
		"proc/sys/kernel/numa_balancing":                                  "0\n",
		"proc/sys/kernel/nmi_watchdog":                                    "0\n",
		"proc/sys/net/core/busy_read":                                     "50\n",
		"proc/sys/net/core/busy_poll":                                     "50\n",
		"proc/sys/net/core/rmem_max":                                      "33554432\n",
		"sys/kernel/mm/transparent_hugepage/enabled":                      "always [madvise] never\n",
		"sys/class/net/lo/mtu":                                            "65536\n",
		"sys/class/net/eth0/device":                                       "",
		"sys/class/net/eth0/gro_flush_timeout":                            "0\n",
		"sys/class/net/eth0/queues/rx-0/rps_cpus":                         "03\n",
		"sys/devices/virtual/workqueue/cpumask":                           "f3\n",
		"sys/kernel/mm/transparent_hugepage/defrag":                       "always defer defer+madvise [madvise] never\n",
		"proc/2/comm":                                                     "chronyd\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
	} {
		files[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return &Host{FS: files,
		Rlimit:    func(int) (unix.Rlimit, error) { return unix.Rlimit{Cur: unix.RLIM_INFINITY}, nil },
		TimeSync:  func() (unix.Timex, int, error) { return unix.Timex{Esterror: 12}, unix.TIME_OK, nil },
		Coalesced: func(string) (uint32, bool) { return 0, true },
	}
}

func find(t *testing.T, h *Host, name string) Finding {
	t.Helper()
	for _, f := range h.Examine() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no check %q", name)
	return Finding{}
}

func TestATunedHostPasses(t *testing.T) {
	for _, f := range tuned().Examine() {
		if f.Grade != Pass || f.Saw == "" || f.Fix != "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestEachLackIsFoundAndHasItsRepair(t *testing.T) {
	const none = "\x00" // the file is not there
	for _, c := range []struct {
		path, text string
		check      string
		grade      Grade
		fix        string
	}{
		{sysCPU + "online", "0", "cores", Fail, "2 cores"},
		{sysCPU + "online", "0-1", "cores", Warn, "park"},
		{sysCPU + "online", "0-x", "cores", Warn, "/sys"},
		{"sys/fs/cgroup/cpu.max", "150000 100000", "cpu quota", Fail, "cpu.max"},
		{sysCPU + "isolated", "", "isolated cores", Warn, "isolcpus"},
		{sysCPU + "isolated", "", "interrupts", Warn, "isolate"},
		{sysCPU + "nohz_full", "(null)", "timer ticks", Warn, "nohz_full"},
		{"proc/77/comm", "irqbalance", "interrupts", Warn, "irqbalance"},
		{"proc/irq/24/effective_affinity_list", "1-2", "interrupts", Warn, "for i in 24;"},
		{sysCPU + "smt/active", "1", "hyperthreads", Warn, "smt/control"},
		{sysCPU + "cpu0/cpufreq/scaling_governor", "powersave", "cpu frequency", Warn, "performance"},
		{sysCPU + "cpu0/cpufreq/scaling_governor", none, "cpu frequency", Warn, "host"},
		{sysCPU + "cpu2/cpuidle/state1/disable", "0", "idle states", Warn, "idle-set"},
		{"proc/stat", "cpu 100 0 100 1000 0 0 0 50 0 0", "stolen time", Warn, "its own"},
		{"proc/stat", "cpu a b c d e f g h i", "stolen time", Warn, "/proc"},
		{"sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet", "clock source", Fail, "tsc"},
		{"sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock", "clock source", Warn, "echo tsc"},
		{"proc/cpuinfo", "flags : tsc constant_tsc", "clock source", Warn, "scaling"},
		{"sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never", "huge pages", Warn, "madvise"},
		{"sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]", "huge pages", Warn, "madvise"},
		{"proc/interrupts", "      CPU0 CPU1\n 36: 10 5 virtio\n", "interrupts", Pass, ""},
		{sysCPU + "isolated", "", "kernel work", Warn, "isolate"},
		{"sys/devices/virtual/workqueue/cpumask", "ff", "kernel work", Warn, "cpumask"},
		{"sys/devices/virtual/workqueue/cpumask", "00000001,ffffffff", "kernel work", Warn, "cpumask"},
		{"sys/devices/virtual/workqueue/cpumask", none, "kernel work", Warn, "/sys"},
		{"sys/kernel/mm/transparent_hugepage/defrag", "[always] defer madvise never", "huge page making", Warn, "defer"},
		{"proc/2/comm", "bash", "time keeper", Warn, "chronyd"},
		{"sys/class/net/eth0/gro_flush_timeout", "20000", "packet batching", Warn, "echo 0 > /sys/class/net/eth0/gro"},
		{"sys/class/net/eth0/queues/rx-0/rps_cpus", "0c", "packet steering", Warn, "rps_cpus"},
		{"proc/swaps", "Filename\n/dev/sda2 partition", "swap", Warn, "swapoff"},
		{"proc/sys/kernel/numa_balancing", "1", "numa balancing", Warn, "sysctl"},
		{"proc/sys/kernel/nmi_watchdog", "1", "watchdog", Warn, "sysctl"},
		{"proc/sys/net/core/busy_read", "0", "busy polling", Warn, "sysctl"},
		{"proc/sys/net/core/rmem_max", "212992", "socket buffers", Warn, "rmem_max"},
	} {
		h := tuned()
		files := h.FS.(fstest.MapFS)
		if c.text == none {
			delete(files, c.path)
		} else {
			files[c.path] = &fstest.MapFile{Data: []byte(c.text)}
		}
		if f := find(t, h, c.check); f.Grade != c.grade || !strings.Contains(f.Fix, c.fix) {
			t.Errorf("%s = %q: %+v", c.path, c.text, f)
		}
	}
}

func TestCallsThatFailOrTellOfTrouble(t *testing.T) {
	h := tuned()
	h.TimeSync = func() (unix.Timex, int, error) { return unix.Timex{}, unix.TIME_ERROR, nil }
	if f := find(t, h, "time of day"); f.Grade != Fail {
		t.Errorf("%+v", f)
	}
	h.TimeSync = func() (unix.Timex, int, error) { return unix.Timex{Esterror: 5000}, unix.TIME_OK, nil }
	if f := find(t, h, "time of day"); f.Grade != Warn || !strings.Contains(f.Saw, "5ms") {
		t.Errorf("%+v", f)
	}
	h.Rlimit = func(int) (unix.Rlimit, error) { return unix.Rlimit{Cur: 1024}, nil }
	if f := find(t, h, "priority"); f.Grade != Pass {
		t.Errorf("%+v", f)
	}
	h.Rlimit = func(int) (unix.Rlimit, error) { return unix.Rlimit{Cur: 0}, nil }
	if f := find(t, h, "priority"); f.Grade != Warn || !strings.Contains(f.Fix, "cap_sys_nice") {
		t.Errorf("%+v", f)
	}
	h.Rlimit = func(int) (unix.Rlimit, error) { return unix.Rlimit{Cur: 1024}, nil }
	for _, name := range []string{"locked memory", "open files"} {
		if f := find(t, h, name); f.Grade != Warn || !strings.Contains(f.Fix, "ulimit") {
			t.Errorf("%+v", f)
		}
	}
	h.Rlimit = func(int) (unix.Rlimit, error) { return unix.Rlimit{}, errors.New("no such call") }
	if f := find(t, h, "open files"); f.Grade != Warn || f.Saw != "no such call" {
		t.Errorf("%+v", f)
	}
	h.Coalesced = func(string) (uint32, bool) { return 33, true }
	if f := find(t, h, "network cards"); f.Grade != Warn || !strings.Contains(f.Fix, "ethtool -C eth0") ||
		strings.Contains(f.Saw, "lo") {
		t.Errorf("%+v", f)
	}
}

func TestThisHostCanBeExamined(t *testing.T) {
	all := This().Examine()
	if len(all) < 20 {
		t.Errorf("%d findings", len(all))
	}
	if text, err := json.Marshal(all); err != nil || !strings.Contains(string(text), `"grade":"`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestCPUList(t *testing.T) {
	for text, want := range map[string]int{"": 0, "(null)": 0, "0": 1, "0-3": 4, "1,3-4,9": 4, "4-3": -1, "a": -1, "1-": -1} {
		cores, ok := numberList(text)
		if ok != (want >= 0) || ok && len(cores) != want {
			t.Errorf("numberList(%q) = %v, %v", text, cores, ok)
		}
	}
}

func TestQuietestCore(t *testing.T) {
	h := tuned()
	const text = "           CPU0       CPU1       CPU2\n  36:   3355   12   40  PCI virtio-req\n  37:  1  30  2 PCI virtio-rx\n" +
		"LOC:  1 99999 1 Local timer\nERR: 0\n"
	h.FS.(fstest.MapFS)["proc/interrupts"] = &fstest.MapFile{Data: []byte(text)}
	for _, c := range []struct {
		cores []int
		want  int
	}{{[]int{0, 1, 2}, 2}, {[]int{0}, 0}, {[]int{0, 7}, 0}, {nil, -1}} {
		if got := h.QuietestCore(c.cores); got != c.want {
			t.Errorf("of %v core %d", c.cores, got)
		}
	}
	for _, bad := range []string{"CPU0\n 3: x\n", ""} {
		h.FS.(fstest.MapFS)["proc/interrupts"] = &fstest.MapFile{Data: []byte(bad)}
		if got := h.QuietestCore([]int{0}); got != -1 {
			t.Errorf("%q: core %d", bad, got)
		}
	}
}
