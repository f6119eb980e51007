package host

import (
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Grade says how good a finding is.
type Grade uint8

// Grades.
const (
	Pass Grade = iota
	Warn       // costs latency, or could not be seen
	Fail       // the router will stall, or lie about time
)

func (g Grade) String() string { return [...]string{"pass", "warn", "fail"}[g] }

// MarshalText makes a Grade its name in JSON.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// Finding is the result of one check.
type Finding struct {
	Name  string `json:"name"`
	Grade Grade  `json:"grade"`
	Saw   string `json:"saw"`           // what is there
	Fix   string `json:"fix,omitempty"` // the line that repairs it, as root; "" on a pass
}

// Host is where the checks look.
type Host struct {
	FS        fs.FS // the root of the file system
	Rlimit    func(resource int) (unix.Rlimit, error)
	TimeSync  func() (unix.Timex, int, error) // adjtimex(2), reading only
	Coalesced func(nic string) (rxMicros uint32, ok bool)
}

// This returns the machine that the process runs on.
func This() *Host {
	return &Host{
		FS: os.DirFS("/"),
		Rlimit: func(resource int) (r unix.Rlimit, err error) {
			return r, unix.Getrlimit(resource, &r)
		},
		TimeSync: func() (t unix.Timex, state int, err error) {
			state, err = unix.Adjtimex(&t)
			return t, state, err
		},
		Coalesced: rxCoalesce,
	}
}

// Examine runs every check, in the order in which one would repair.
func (h *Host) Examine() []Finding {
	var all []Finding
	for _, check := range []func() Finding{
		h.cores, h.quota, h.isolation, h.tickless, h.interrupts, h.kernelWork, h.priority, h.hyperthreads,
		h.governor, h.idleStates, h.steal,
		h.clockSource, h.timeSync, h.timeDaemon,
		h.hugePages, h.defrag, h.memlock, h.swap, h.numaBalancing, h.watchdog, h.files,
		h.busyPoll, h.socketBuffers, h.nics, h.batching, h.steering,
	} {
		all = append(all, check())
	}
	return all
}

func pass(name, saw string) Finding { return Finding{Name: name, Saw: saw} }

func warn(name, saw, fix string) Finding { return Finding{name, Warn, saw, fix} }

func fail(name, saw, fix string) Finding { return Finding{name, Fail, saw, fix} }

// read returns a file's text without the space around it.
func (h *Host) read(path string) (text string, ok bool) {
	b, err := fs.ReadFile(h.FS, path)
	return strings.TrimSpace(string(b)), err == nil
}

// number returns the integer in a file.
func (h *Host) number(path string) (n int64, ok bool) {
	text, ok := h.read(path)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil
}

func (h *Host) glob(pattern string) []string {
	paths, err := fs.Glob(h.FS, pattern)
	if err != nil {
		return nil // only for a malformed pattern, and ours are constants
	}
	return paths
}

// numberList reads the kernel's form of a set of cores or ports: 0,2-3,8.
func numberList(text string) (set map[int]bool, ok bool) {
	set = map[int]bool{}
	if text == "" || text == "(null)" {
		return set, true
	}
	for part := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		last := first
		if ranged && err == nil {
			last, err = strconv.Atoi(to)
		}
		if err != nil || first < 0 || last < first || last > 1<<16 {
			return nil, false
		}
		for c := first; c <= last; c++ {
			set[c] = true
		}
	}
	return set, true
}
