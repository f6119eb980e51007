package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestNextLifeKnowsIfTheHostDied goes through what may come between two routers of one state folder.
func TestNextLifeKnowsIfTheHostDied(t *testing.T) {
	dir := t.TempDir()
	lock := filepath.Join(dir, "lock")
	begin := func(what string, want bool) *life {
		t.Helper()
		l, err := beginLife(dir)
		if err != nil {
			t.Fatal(err)
		}
		if l.hostDied != want {
			t.Errorf("%s: the host died: %v", what, l.hostDied)
		}
		return l
	}
	die := func(l *life) {
		if err := l.file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	l := begin("the first one", false)
	if _, err := beginLife(dir); err == nil {
		t.Error("two at once")
	}
	try(l.begun())
	die(l)
	l = begin("a process was killed", false)
	try(l.begun())
	die(l)
	try(os.WriteFile(lock, []byte("0c5f4c1e-another-start"), 0o600))
	die(begin("the host has started since", true))
	l = begin("a start that failed in between", true)
	try(l.begun())
	die(l)
	l = begin("killed on the new host", false)
	try(l.begun())
	try(l.ended())
	die(l)
	if text, err := os.ReadFile(lock); err != nil || len(text) > 0 {
		t.Errorf("behind an end in order: %q, %v", text, err)
	}
	begin("after an end in order", false)
}

// TestRouterSaysThatItRuns looks at the lock of a router that starts and stops.
func TestRouterSaysThatItRuns(t *testing.T) {
	cfg := unstarted(t)
	lock := filepath.Join(cfg.at(cfg.file.Router.State), "lock")
	a, err := assemble(cfg)
	if err != nil {
		t.Fatal(err)
	}
	boot, err := os.ReadFile(bootFile)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(lock); err != nil || string(text)+"\n" != string(boot) {
		t.Errorf("it runs: %q, %v, want %q", text, err, boot)
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(lock); err != nil || len(text) > 0 {
		t.Errorf("it has stopped: %q, %v", text, err)
	}
}
