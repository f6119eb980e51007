package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"penstock/event"
	"penstock/journal"
	"penstock/market"
)

const auditUsage = `usage: penstock audit [--acts] [--from TIME] [--to TIME] DIR [ORDER]

Answers from the journal in DIR (or of the newest run below it) who did what, when, and on
what grounds: every record of one order, in order, from what its client asked to what it
was told, with each decision, each order at a venue and each report of it; or what persons
ordered. It ends with what is missing: an order that left without a decision, one whose end
nobody said, an act without a name; exit code 1 when something is. And with how well the
host's clock was kept.

  ORDER        a ClOrdID(11), or P or C and the number of a parent or child
  --acts       what persons and the router itself ordered, with their whole reasons
  --from, --to only between these times, RFC 3339
`

func audit(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	a := &auditor{from: -1 << 63, to: 1<<63 - 1, children: map[uint64]*auditedOrder{}, parents: map[uint64]event.ID{}, decided: map[decidedAt]bool{}}
	flags.BoolVar(&a.acts, "acts", false, "")
	for name, at := range map[string]*int64{"from": &a.from, "to": &a.to} {
		flags.Func(name, "", func(text string) error {
			t, err := time.Parse(time.RFC3339, text)
			*at = t.UnixNano()
			return err
		})
	}
	if err := parseFlags(flags, auditUsage, args, stderr); err != nil {
		return err
	}
	if flags.NArg() < 1 || flags.NArg() > 2 || a.acts && flags.NArg() > 1 {
		return usageError("audit: name one journal directory and at most one order", auditUsage)
	}
	dir := journalDir(flags.Arg(0))
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("%w: %w: name the folder of a journal", errConfig, err)
	}
	if err := a.want(flags.Arg(1)); err != nil {
		return usageError("audit: "+err.Error(), auditUsage)
	}
	a.w = bufio.NewWriterSize(stdout, 1<<16)
	tail, err := eachRecord(dir, a.visitor().take)
	if err == nil {
		err = a.finish(dir, tail)
	}
	if flushErr := a.w.Flush(); err == nil {
		err = flushErr
	}
	return err
}

// auditor goes through a journal once.
type auditor struct {
	w        *bufio.Writer
	acts     bool
	from, to int64
	clOrdID  event.ID // wanted, or
	parent   uint64   // wanted, or
	child    uint64   // wanted
	names    *event.Names

	now      int64               // StepTime of the last event
	parents  map[uint64]event.ID // that were accepted
	children map[uint64]*auditedOrder
	decided  map[decidedAt]bool
	held     []event.Event // of clients, until the parent's number is known
	shown    int
	missing  []string
	clock    struct {
		readings, sets, free    int
		furthest, offset, bound int64
	}
}

// decidedAt is where a decision was recorded.
type decidedAt struct{ cause, parent uint64 }

type auditedOrder struct {
	parent, cause uint64
	over          bool
}

func (a *auditor) want(text string) error {
	if len(text) > 1 && (text[0] == 'P' || text[0] == 'C') {
		if n, err := strconv.ParseUint(text[1:], 10, 64); err == nil {
			if text[0] == 'P' {
				a.parent = n
			} else {
				a.child = n
			}
			return nil
		}
	}
	var ok bool
	if a.clOrdID, ok = event.MakeID(text); !ok {
		return fmt.Errorf("%q is no ClOrdID(11): at most 20 characters", text)
	}
	return nil
}

func (a *auditor) all() bool { return a.parent == 0 && a.child == 0 && a.clOrdID == event.ID{} }

// about reports whether something of a parent and a child is wanted.
func (a *auditor) about(parent, child uint64) bool {
	switch {
	case a.now < a.from || a.now > a.to || a.acts:
		return false
	case a.all():
		return parent != 0 || child != 0
	case a.child != 0:
		return child == a.child
	}
	if c := a.children[child]; parent == 0 && c != nil {
		parent = c.parent
	}
	return parent != 0 && (parent == a.parent || a.clOrdID != event.ID{} && a.parents[parent] == a.clOrdID)
}

func (a *auditor) say(line []byte) {
	a.shown++
	_, _ = a.w.Write(append(line, '\n'))
}

// visitor returns what is told of the journal.
func (a *auditor) visitor() *visitor {
	return &visitor{blob: a.blob, event: a.event, command: a.command, decision: func(d *event.Decision) {
		a.decided[decidedAt{d.Cause, d.Parent}] = true
		if a.about(d.Parent, 0) {
			a.say(event.AppendDecision([]byte("    "), d, a.names))
		}
	}}
}

func (a *auditor) blob(name string, data []byte) error {
	switch name {
	case blobConfig:
		cfg, err := ParseConfig(blobConfig, data)
		if err != nil {
			return err
		}
		a.names = cfg.names()
	case blobOperator:
		var r actRequest
		if a.acts && json.Unmarshal(data, &r) == nil && a.now >= a.from && a.now <= a.to {
			a.say(fmt.Appendf(nil, "    asked by %s (user %s, uid %d): %s %s %s %s: %q", r.Who, r.User, r.UID, r.Act, r.Scope, r.ID, r.Value, r.Reason))
		}
	}
	return nil
}

// event follows what came in.
func (a *auditor) event(e *event.Event) {
	a.now = e.StepTime
	inTime := a.now >= a.from && a.now <= a.to
	switch {
	case e.Kind == event.Clock:
		a.reading(e)
	case e.Kind == event.Operator || e.Kind == event.PolicySwap:
		if e.Kind == event.Operator && e.ID.Len() == 0 {
			a.missing = append(a.missing, fmt.Sprintf("event %d is an act of nobody", e.Seq))
		}
		if a.acts && inTime {
			a.say(event.AppendEvent(nil, e, a.names))
		}
	case e.Kind == event.Exec || e.Kind == event.OrderCancelReject:
		if c := a.children[e.Ref]; c != nil && e.Kind == event.Exec {
			c.over = c.over || e.OrdStatus.Terminal()
		}
		if a.about(0, e.Ref) {
			a.say(event.AppendEvent(nil, e, a.names))
		}
	case e.Kind >= event.ParentNew && e.Kind <= event.ParentDontKnow && !a.acts && inTime:
		wanted := a.all() || a.clOrdID != event.ID{} && (e.ID == a.clOrdID || e.OrigID == a.clOrdID)
		if wanted {
			a.say(event.AppendEvent(nil, e, a.names))
		} else if a.parent != 0 {
			a.held = append(a.held[:0], *e) // its first report says which order it is
		}
	}
}

func (a *auditor) reading(e *event.Event) {
	k := &a.clock
	k.readings++
	if e.Until != 0 {
		k.sets++
		k.furthest = max(k.furthest, e.Until, -e.Until)
	}
	if e.Code == 0 {
		k.free++
		return
	}
	k.offset, k.bound = max(k.offset, e.StartTime, -e.StartTime), max(k.bound, e.SliceNanos)
}

// command follows what went out. Decisions of a step are recorded behind its commands.
func (a *auditor) command(c *event.Command) {
	switch c.Kind {
	case event.SendOrder:
		a.children[c.Child] = &auditedOrder{parent: c.Parent, cause: c.Cause}
		if _, known := a.parents[c.Parent]; !known {
			a.missing = append(a.missing, fmt.Sprintf("order %d left for parent %d, which no client was told of", c.Child, c.Parent))
		}
	case event.Report:
		if c.ExecType == market.ExecNew && c.Parent != 0 {
			a.parents[c.Parent] = c.ID
		}
	}
	if !a.about(c.Parent, c.Child) {
		return
	}
	for i := range a.held {
		if e := &a.held[i]; e.Seq == c.Cause {
			a.say(event.AppendEvent(nil, e, a.names))
		}
	}
	a.held = a.held[:0]
	a.say(event.AppendCommand([]byte("    "), c, a.names))
}

// finish says what is missing, and how the clock was.
func (a *auditor) finish(dir string, tail journal.Tail) error {
	open, blind := 0, 0
	for _, c := range a.children {
		if !a.decided[decidedAt{c.cause, c.parent}] {
			blind++
		}
		if !c.over {
			open++
		}
	}
	fmt.Fprintf(a.w, "-- %d records; %d orders at venues for %d parents, %d decisions\n", a.shown, len(a.children), len(a.parents), len(a.decided))
	if k := &a.clock; k.readings > 0 {
		fmt.Fprintf(a.w, "-- wall clock: %d readings, %d of them not disciplined; set %d times, by %v at most; offset at most %v within %v\n",
			k.readings, k.free, k.sets, time.Duration(k.furthest), time.Duration(k.offset), time.Duration(k.bound))
	} else {
		fmt.Fprintf(a.w, "-- wall clock: nobody watched it in this journal\n")
	}
	if blind > 0 {
		a.missing = append(a.missing, fmt.Sprintf("%d orders left without the record of a decision", blind))
	}
	if open > 0 && tail.State == journal.TailClosed {
		a.missing = append(a.missing, fmt.Sprintf("%d orders at venues whose end nobody said", open))
	}
	if tail.State != journal.TailClosed {
		fmt.Fprintln(a.w, "-- "+tornText(tail))
	}
	switch {
	case len(a.missing) > 0:
		return failed("journal %s: %s", dir, strings.Join(a.missing, "; "))
	case a.shown == 0 && !a.all():
		return failed("journal %s has nothing of that order", dir)
	}
	return nil
}
