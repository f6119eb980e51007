package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/journal"
	"penstock/router/loop"
)

// ctlOf asks the rig's router as a person does, through the command.
func (r *demoRig) ctlOf(code int, args ...string) string {
	r.t.Helper()
	got, out, errs := penstock(r.t, append([]string{"ctl", "--socket", r.a.cfg.controlPath()}, args...)...)
	if got != code {
		r.t.Fatalf("ctl %v: exit code %d, want %d: %s%s", args, got, code, out, errs)
	}
	return out + errs
}

// change changes texts of the file itself, by pairs of what is there and what comes instead: the
// core that compares reads it from the journal.
func (c *Config) change(pairs ...string) {
	text := string(c.Raw)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			panic("the configuration does not say " + pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	again, err := ParseConfig(c.Path, []byte(text))
	if err != nil {
		panic(err)
	}
	*c = *again
}

func twoPersons(cfg *Config) {
	cfg.change("alert_owner =", "people = [\"alice\", \"bob\"]\n  alert_owner =")
}

// TestCtl_C14 and C15, C16: only named persons act, a hard limit has no override, a raise
// takes two persons and an end. C10: a kill by symbol cancels, and its release takes two.
func TestCtl_C10_C14_C16_PersonsActThroughTheSocket(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "threaded", twoPersons)
	if info, err := os.Stat(r.a.cfg.controlPath()); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket: %v, %v", info, err)
	}
	r.send("K-1", 200_000, 60*time.Second)
	for deadline := time.Now().Add(20 * time.Second); r.m.open() < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing rests at the venues")
		}
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"not one of controls.people", []string{"kill", "--who", "mallory", "--reason", "x"}},
		{"a reason is needed", []string{"kill", "--who", "alice"}},
		{"is not one of", []string{"kill", "--symbol", "NONE", "--who", "alice", "--reason", "x"}},
		{"not known", []string{"fly", "--who", "alice", "--reason", "x"}},
		{"not one of ours", []string{"resolve", "7", "--value", "0", "--who", "alice", "--reason", "x"}},
		// What does nothing is not said to be done.
		{"999 is not the number of a live order", []string{"pause", "999", "--who", "alice", "--reason", "x"}},
		{"999 is not the number of a live order", []string{"resume", "999", "--who", "alice", "--reason", "x"}},
		{"999 is not the number of a live order", []string{"force", "999", "--who", "alice", "--reason", "x"}},
		{`strategy "99" is not one of SWEEP (1000)`, []string{"enable", "99", "--who", "alice", "--reason", "x"}},
		{`strategy "twop" is not one of`, []string{"kill", "--strategy", "twop", "--who", "alice", "--reason", "x"}},
		{`policy "zz" is not a number`, []string{"kill", "--policy", "zz", "--who", "alice", "--reason", "x"}},
		{"for good and has no --until", []string{"limit", "child_max_qty", "--symbol", "PSTK", "--value", "10", "--until", "2099-01-01T00:00:00Z", "--who", "alice", "--reason", "x"}},
	} {
		if out := r.ctlOf(1, c.args...); !strings.Contains(out, c.want) {
			t.Errorf("%v: %s", c.args, out)
		}
	}
	for _, act := range []string{"kill", "release"} { // a variable of a shell that is not set
		if out := r.ctlOf(2, act, "--venue", "", "--who", "alice", "--reason", "x"); !strings.Contains(out, "--venue is empty") {
			t.Error(out)
		}
	}
	for _, r := range []actRequest{{Act: "kill", ID: "LITA"}, {Act: "release", Scope: "firm", ID: "LITA"}} {
		if _, err := (&assembly{cfg: &Config{}}).actOf(&r); err == nil || !strings.Contains(err.Error(), "not what it is") {
			t.Errorf("%+v: %v", r, err)
		}
	}
	out := r.ctlOf(0, "kill", "--symbol", "PSTK", "--who", "alice", "--reason", "prices look wrong on the tape since noon")
	if !strings.Contains(out, "on disk") {
		t.Error(out)
	}
	sent := len(r.a.core.Children())
	r.until("nothing open", func(s *loop.Sequencer) bool { return r.m.open() == 0 })
	r.until("the count", func(s *loop.Sequencer) bool {
		if n := len(s.Core().Children()); n != sent {
			t.Errorf("%d orders after the kill", n-sent)
		}
		return true
	})
	if out := r.ctlOf(0, "status"); !strings.Contains(out, "killed: symbol PSTK") {
		t.Error(out)
	}
	release := []string{"release", "--symbol", "PSTK", "--reason", "tape is right"}
	for _, who := range []string{"alice", "alice"} { // the same person twice is one person
		if out := r.ctlOf(0, append(release, "--who", who)...); !strings.Contains(out, "another person") {
			t.Error(out)
		}
	}
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	raise := func(code int, who, value string, more ...string) string {
		return r.ctlOf(code, append([]string{"limit", "child_max_qty", "--symbol", "PSTK", "--value", value, "--who", who, "--reason", "r"}, more...)...)
	}
	if out := raise(0, "bob", "100"); !strings.Contains(out, "done") { // a lower one takes nobody else
		t.Error(out)
	}
	// What can never be is refused before another person is asked for.
	if out := raise(1, "bob", "20001", "--until", until); !strings.Contains(out, "lets nobody exceed") {
		t.Errorf("a hard limit was overridden: %s", out)
	}
	if out := raise(1, "bob", "5000"); !strings.Contains(out, "needs an --until") {
		t.Errorf("a raise without an end: %s", out)
	}
	raise(0, "bob", "5000", "--until", until)
	if out := raise(0, "alice", "5000", "--until", until); !strings.Contains(out, "done") {
		t.Error(out)
	}
	r.ctlOf(0, append(release, "--who", "bob")...)
	if out := r.ctlOf(0, append(release, "--who", "alice")...); !strings.Contains(out, "done") {
		t.Error(out)
	}
	// SIGUSR2 is one of two persons, and penstock ctl release the other.
	if text := r.a.whoLifts(); !strings.Contains(text, "two persons") || !strings.Contains(text, "by one and SIGUSR2") {
		t.Error(text)
	}
	for _, first := range []string{"signal", "person"} {
		r.ctlOf(0, "kill", "--who", "bob", "--reason", "all of it")
		said := ""
		signal := func() {
			r.a.releaseBySignal(r.a.control, func(format string, args ...any) { said = fmt.Sprintf(format, args...) })
		}
		person := func() string { return r.ctlOf(0, "release", "--who", "alice", "--reason", "all is right") }
		if first == "signal" {
			signal()
			if out := person(); !strings.Contains(said, "is noted") || !strings.Contains(out, "done") {
				t.Errorf("a signal and a person are not two: %s; %s", said, out)
			}
		} else if out := person(); !strings.Contains(out, "another person") {
			t.Error(out)
		} else if signal(); !strings.Contains(said, "resumed by two") {
			t.Errorf("a person and a signal are not two: %s", said)
		}
		if r.a.latch.Stopped(0) {
			t.Errorf("the %s first: the gateways are still latched", first)
		}
	}
	r.until("it trades again", func(s *loop.Sequencer) bool { return len(s.Core().Children()) > sent })
	if err := r.client.Cancel("K-2", "K-1"); err != nil {
		t.Fatal(err)
	}
	r.finish("K-1")
	r.checkAudit(t)
}

// checkAudit is the audit query of C21: who did what and why is in the journal, in order.
func (r *demoRig) checkAudit(t *testing.T) {
	t.Helper()
	var acts []actRequest
	if _, err := eachRecord(r.a.Dir, func(rec *journal.Record) error {
		if name, data, ok := rec.Name(); rec.Type == journal.Blob && ok && name == blobOperator {
			var a actRequest
			if err := json.Unmarshal(data, &a); err != nil {
				return err
			}
			acts = append(acts, a)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for len(acts) > 0 && acts[0].Act != "kill" { // what the core refused before
		acts = acts[1:]
	}
	if len(acts) < 10 || acts[0].Act != "kill" || acts[0].Who != "alice" || acts[0].UID != uint32(os.Getuid()) ||
		acts[0].Reason != "prices look wrong on the tape since noon" {
		t.Errorf("%d acts in the journal, first %+v", len(acts), acts[:min(len(acts), 1)])
	}
	_, out, _ := penstock(t, "dump", r.a.Dir)
	if !strings.Contains(out, "kill PSTK by alice") {
		t.Error("dump does not show the kill")
	}
}

// TestCtl_C11_AlertsDoNotNeedTheCore freezes the core: a kill is obeyed by the gateways and
// answered, an alert is written within five seconds with severity and owner, and a person
// takes it over.
func TestCtl_C11_AlertsDoNotNeedTheCore(t *testing.T) {
	t.Parallel()
	r := newDemoRig(t, "inline")
	thaw, frozen := make(chan struct{}), make(chan struct{})
	go r.a.loop.Inspect(func(*loop.Sequencer) { close(frozen); <-thaw })
	<-frozen
	began := time.Now()
	if out := r.ctlOf(1, "kill", "--reason", "all of it"); !strings.Contains(out, "the core does not answer") || !r.a.latch.Stopped(0) {
		t.Error(out)
	}
	r.a.alarm(alert{Severity: critical, Kind: "test", Text: "seen from outside"})
	path := filepath.Join(r.a.cfg.at(r.a.cfg.file.Router.State), "alerts.jsonl")
	for deadline := began.Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("no alert: %v", err)
		}
		if strings.Contains(string(text), `"severity":"critical","kind":"test","owner":"desk","text":"seen from outside"`) {
			break
		}
	}
	if took := time.Since(began); took > controlPatience+5*time.Second {
		t.Errorf("the alert took %v", took)
	}
	id := "0"
	for _, al := range r.a.alarms.all() {
		if al.Kind == "test" {
			id = fmt.Sprint(al.ID)
		}
	}
	r.ctlOf(0, "ack", id, "--reason", "on it")
	if out := r.ctlOf(0, "alerts"); !strings.Contains(out, "acknowledged by") {
		t.Error(out)
	}
	r.ctlOf(1, "ack", id, "--reason", "again")
	close(thaw)
}
