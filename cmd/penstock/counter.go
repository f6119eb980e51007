package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// counter shows how far long work has come: a line that rewrites itself on a terminal,
// otherwise one line every ten seconds.
type counter struct {
	mu       sync.Mutex
	w        io.Writer
	what     string
	terminal bool
	done, of int
	started  time.Time
	shown    time.Time
}

func startCounter(w io.Writer, what string) *counter {
	now := time.Now()
	return &counter{w: w, what: what, terminal: isTerminal(w), started: now, shown: now}
}

// expect adds to what is to be done.
func (c *counter) expect(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of += n
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	every := 10 * time.Second
	if c.terminal {
		every = 200 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(c.shown) < every {
		return
	}
	c.shown = now
	left := time.Duration(float64(now.Sub(c.started)) * float64(c.of-c.done) / float64(c.done)).Round(time.Second)
	if c.terminal {
		fmt.Fprintf(c.w, "\r\x1b[K%s %d of %d, about %s left", c.what, c.done, c.of, left)
		return
	}
	fmt.Fprintf(c.w, "%s %d of %d, about %s left\n", c.what, c.done, c.of, left)
}

// phase names what comes next.
func (c *counter) phase(what string) {
	c.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.what, c.done, c.of, c.started = what, 0, 0, time.Now()
}

func (c *counter) close() {
	if c.terminal {
		fmt.Fprint(c.w, "\r\x1b[K")
	}
}
