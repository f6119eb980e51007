package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestControlSocketIsNotHeldUp abuses the one endpoint for persons (FM-74; there is none that
// speaks HTTP): connections that say nothing, or a byte at a time, many of them, a line without
// an end, and what is no request. Each is answered or closed in bounded time and memory, a
// person is served right after, and the core is turning all the time.
func TestControlSocketIsNotHeldUp(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	stop := r.turning()
	dial := func() net.Conn {
		c, err := net.Dial("unix", r.a.cfg.controlPath())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(5 * controlPatience))
		return c
	}
	ask := func(text string) string {
		c := dial()
		go func() { _, _ = io.Copy(c, strings.NewReader(text)) }() // it may be closed before it has all of it
		all, _ := io.ReadAll(c)
		return string(all)
	}
	for _, bad := range []string{"\n", "nonsense\n", "[]\n", "{\"act\":\"kill\",\"evil\":1}\n", "{\"act\":\"../../etc/passwd\",\"reason\":\"x\"}\n",
		"{\"act\":\"status\",\"act\":\"status\"}\n", "{\"Act\":\"status\"}\n", "{\"act\":\"status\"} {\"act\":\"status\"}\n",
		"GET /../../etc/passwd HTTP/1.1\r\n\r\n", string(bytes.Repeat([]byte{'{'}, controlLine+1)), "{\"act\":\"" + strings.Repeat("a", 4<<20)} {
		if got := ask(bad); !strings.Contains(got, "\"ok\":false") {
			t.Errorf("%.40q is answered %q", bad, got)
		}
	}
	begin := time.Now()
	silent := make([]net.Conn, 3*controlConns)
	for i := range silent {
		silent[i] = dial()
	}
	slow := silent[0]
	go func() {
		for range 100 {
			if _, err := slow.Write([]byte(" ")); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	closed := 0
	for _, c := range silent {
		if all, _ := io.ReadAll(c); len(all) == 0 {
			closed++
		}
	}
	if took := time.Since(begin); took > 4*controlPatience || closed < controlConns {
		t.Errorf("%d of %d silent connections were closed unheard, the last of all after %v", closed, len(silent), took)
	}
	r.ctlOf(0, "status")
	if all := stop(); all.ticks > slowest || all.events == 0 {
		t.Errorf("the core did not answer for %v, %d ticks, and took %d events", all.longest, all.ticks, all.events)
	}
}
