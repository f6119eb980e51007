package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// bootFile has another text after each start of the kernel: random(4).
const bootFile = "/proc/sys/kernel/random/boot_id"

// life is the lock of a state folder, which keeps every other router out. While one runs the file
// names the start of the host, so that the next one knows if that has died since: then files that
// are written without waiting for the disk may be older than what was sent.
type life struct {
	file     *os.File
	boot     string
	hostDied bool // and the router with it
}

// beginLife makes the state folder and takes its lock.
func beginLife(dir string) (*life, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("state folder %s is in use by another router: stop it or name another router.state", dir)
	}
	l := &life{file: f}
	before, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	if boot, err := os.ReadFile(bootFile); err == nil { // where it is not told, a host never dies
		l.boot = strings.TrimSpace(string(boot))
		l.hostDied = len(before) > 0 && strings.TrimSpace(string(before)) != l.boot
	}
	return l, nil
}

// begun says that a host that dies from now on takes a router with it. Until then the next one learns
// what this one did, if its start fails.
func (l *life) begun() error { return l.say(l.boot) }

// ended says that all files are on the disk.
func (l *life) ended() error { return l.say("") }

func (l *life) say(text string) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	if _, err := l.file.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return l.file.Sync()
}
