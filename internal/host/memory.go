package host

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// hugePages wants them where they are asked for: everywhere means that the kernel
// stops threads to make them.
func (h *Host) hugePages() Finding {
	const name, file = "huge pages", "sys/kernel/mm/transparent_hugepage/enabled"
	fix := "echo madvise > /" + file
	text, ok := h.read(file)
	switch {
	case !ok:
		return warn(name, "not in this kernel", "CONFIG_TRANSPARENT_HUGEPAGE=y")
	case strings.Contains(text, "[madvise]"):
		return pass(name, "where asked for")
	case strings.Contains(text, "[always]"):
		return warn(name, "everywhere: memory is moved under running threads", fix)
	}
	return warn(name, "never: large books miss the TLB", fix)
}

func (h *Host) memlock() Finding {
	const name = "locked memory"
	r, err := h.Rlimit(unix.RLIMIT_MEMLOCK)
	switch {
	case err != nil:
		return warn(name, err.Error(), "run on Linux")
	case r.Cur >= 1<<40:
		return pass(name, "no limit")
	}
	return warn(name, fmt.Sprintf("at most %d KiB", r.Cur>>10),
		"ulimit -l unlimited, or LimitMEMLOCK=infinity in the service's unit")
}

func (h *Host) swap() Finding {
	const name = "swap"
	text, ok := h.read("proc/swaps")
	if !ok || strings.Count(text, "\n") == 0 {
		return pass(name, "none")
	}
	return warn(name, fmt.Sprintf("%d areas: a page of a book may be on disk", strings.Count(text, "\n")), "swapoff -a")
}

func (h *Host) numaBalancing() Finding {
	const name = "numa balancing"
	if n, ok := h.number("proc/sys/kernel/numa_balancing"); !ok || n == 0 {
		return pass(name, "off")
	}
	return warn(name, "on: pages are unmapped to see who uses them", "sysctl -w kernel.numa_balancing=0")
}

func (h *Host) watchdog() Finding {
	const name = "watchdog"
	if n, ok := h.number("proc/sys/kernel/nmi_watchdog"); !ok || n == 0 {
		return pass(name, "off")
	}
	return warn(name, "on: it interrupts every core", "sysctl -w kernel.nmi_watchdog=0")
}

// filesWanted is enough for sockets, segments and stores of a full configuration.
const filesWanted = 4096

func (h *Host) files() Finding {
	const name = "open files"
	r, err := h.Rlimit(unix.RLIMIT_NOFILE)
	switch {
	case err != nil:
		return warn(name, err.Error(), "run on Linux")
	case r.Cur >= filesWanted:
		return pass(name, fmt.Sprintf("at most %d", r.Cur))
	}
	return warn(name, fmt.Sprintf("at most %d", r.Cur), fmt.Sprintf("ulimit -n %d", filesWanted))
}
