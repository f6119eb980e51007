package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"penstock/event"
	"penstock/journal"
)

const dumpUsage = `usage: penstock dump [--verify] [--only KIND] DIR

Prints one line per record of the journal in DIR (or of the newest run below it).

  --verify     run the day again and compare every command and decision; prints
               the result only, exit code 1 when they differ
  --only KIND  events, commands or decisions
`

func dump(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("dump", flag.ContinueOnError)
	verify := flags.Bool("verify", false, "")
	only := flags.String("only", "", "")
	if err := parseFlags(flags, dumpUsage, args, stderr); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usageError("dump: name one journal directory", dumpUsage)
	}
	dir := journalDir(flags.Arg(0))
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("%w: %w: name the folder of a journal", errConfig, err)
	}
	if *verify {
		return verifyJournal(dir, stdout)
	}
	show := map[journal.RecordType]bool{}
	for name, t := range map[string]journal.RecordType{"events": journal.Event, "commands": journal.Command,
		"decisions": journal.Decision} {
		show[t] = *only == "" || *only == name
		if *only == name {
			show[journal.Blob] = false
		}
	}
	if *only != "" && !show[journal.Event] && !show[journal.Command] && !show[journal.Decision] {
		return usageError(fmt.Sprintf("dump: --only %s is not events, commands or decisions", *only), dumpUsage)
	}
	w := bufio.NewWriterSize(stdout, 1<<16)
	d := dumper{w: w, show: show, blobs: *only == ""}
	tail, err := eachRecord(dir, d.print)
	if err == nil && tail.State != journal.TailClosed {
		fmt.Fprintln(w, "-- "+tornText(tail))
	}
	if flushErr := w.Flush(); err == nil {
		err = flushErr
	}
	return err
}

func verifyJournal(dir string, stdout io.Writer) error {
	r, err := rerunJournal(dir)
	if err != nil {
		return err
	}
	if r.Mismatch != "" {
		return failed("journal %s: %s", dir, r.Mismatch)
	}
	fmt.Fprintf(stdout, "journal %s: %d events run again: %d commands and %d decisions are the same, byte for byte\n",
		dir, r.Events, r.Commands, r.Decisions)
	if r.Tail.State != journal.TailClosed {
		fmt.Fprintln(stdout, tornText(r.Tail))
	}
	return nil
}

// tornText says how a journal ends that was not closed.
func tornText(t journal.Tail) string {
	return fmt.Sprintf("the journal was not closed: its writer died or its end was cut off; it ends in segment %d at "+
		"byte %d, %d bytes after it are not records", t.Segment, t.Offset, t.Dropped)
}

// dumper prints records as text.
type dumper struct {
	w     io.Writer
	show  map[journal.RecordType]bool
	blobs bool
	names *event.Names
	line  []byte
}

func (d *dumper) print(rec *journal.Record) error {
	d.line = d.line[:0]
	switch rec.Type {
	case journal.Blob:
		name, data, _ := rec.Name()
		if name == blobConfig {
			cfg, err := ParseConfig(blobConfig, data)
			if err != nil {
				return err
			}
			d.names = cfg.names()
		}
		if d.blobs {
			d.line = fmt.Appendf(d.line, "-- %s, %d bytes", name, len(data))
		}
	case journal.Event:
		var e event.Event
		if !e.SetBytes(rec.Payload) {
			return fmt.Errorf("record %d is not an event of this build", rec.Seq)
		}
		if d.show[rec.Type] {
			d.line = event.AppendEvent(d.line, &e, d.names)
		}
	case journal.Command:
		var c event.Command
		if !c.SetBytes(rec.Payload) {
			return fmt.Errorf("record %d is not a command of this build", rec.Seq)
		}
		if d.show[rec.Type] {
			d.line = event.AppendCommand(append(d.line, "    "...), &c, d.names)
		}
	case journal.Decision:
		var x event.Decision
		if !x.SetBytes(rec.Payload) {
			return fmt.Errorf("record %d is not a decision of this build", rec.Seq)
		}
		if d.show[rec.Type] {
			d.line = event.AppendDecision(append(d.line, "    "...), &x, d.names)
		}
	}
	if len(d.line) == 0 {
		return nil
	}
	_, err := d.w.Write(append(d.line, '\n'))
	return err
}
