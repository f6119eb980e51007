package quiet

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// HugePages asks for huge pages under the heap: books, tables, rings. It comes
// after they are made; what is there is gathered at once where the kernel can
// (MADV_COLLAPSE, Linux 6.1), later by the kernel's own thread otherwise.
func HugePages() Step {
	s := Step{Name: "huge pages"}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		s.Err = err
		return s
	}
	defer f.Close()
	var asked, gathered uintptr
	for lines := bufio.NewScanner(f); lines.Scan(); {
		from, to, ok := arena(lines.Text())
		if !ok {
			continue
		}
		if err := advise(from, to, unix.MADV_HUGEPAGE); err != nil {
			s.Err = fmt.Errorf("madvise: %w", err)
			return s
		}
		asked += to - from
		gathered += gather(from, to)
	}
	s.Saw = fmt.Sprintf("asked for %d MiB, %d MiB at once", asked>>20, gathered>>20)
	return s
}

// hugeBytes is the size of a huge page.
const hugeBytes = 2 << 20

// gather asks for each huge page by itself, for the kernel ends at the first hole of what it is asked for, and returns
// how many bytes lie in huge pages then.
func gather(from, to uintptr) (bytes uintptr) {
	for at := from; at < to; at += hugeBytes {
		if advise(at, at+hugeBytes, unix.MADV_COLLAPSE) == nil {
			bytes += hugeBytes
		}
	}
	return bytes
}

// arena reads a line of /proc/self/maps and returns the whole huge pages in it when it
// is writable memory of no file: the heap and what the runtime keeps beside it. Kernels
// that name such memory (CONFIG_ANON_VMA_NAME) put [anon: Go: heap] there.
func arena(line string) (from, to uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[1] != "rw-p" || fields[4] != "0" {
		return 0, 0, false
	}
	if len(fields) > 5 && fields[5] != "[anon:" { // [stack], [vdso]
		return 0, 0, false
	}
	if _, err := fmt.Sscanf(fields[0], "%x-%x", &from, &to); err != nil {
		return 0, 0, false
	}
	from, to = (from+hugeBytes-1)&^(hugeBytes-1), to&^(hugeBytes-1)
	return from, to, from < to
}

func advise(from, to uintptr, advice int) error {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, uintptr(advice))
	if errno != 0 {
		return errno
	}
	return nil
}
