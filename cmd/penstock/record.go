package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"penstock/event"
	"penstock/venues/tape"
	"penstock/venues/wire"
)

const recordUsage = `usage: penstock record -c FILE [options]

Connects the market data feeds of the configuration in FILE and writes what each of
them receives, byte for byte with the time of receipt, to a file of its own. No order
session is opened. It ends with SIGINT, SIGTERM or --for.

  -o DIR        where the files go: VENUE-TIME.psrec (recordings)
  --for D       how long, such as 60s; without it until a signal
  --venue NAME  only this venue (repeat)

Play one with: penstock replay --feed VENUE=recorded:FILE. A recorder that is killed
loses at most the last second. Exit code 1 when a file could not be written.
`

type recordOptions struct {
	dir    string
	time   time.Duration
	venues map[string]bool
}

func parseRecord(args []string, stderr io.Writer) (*Config, recordOptions, error) {
	o := recordOptions{venues: map[string]bool{}}
	flags := flag.NewFlagSet("record", flag.ContinueOnError)
	path := flags.String("c", "", "")
	flags.StringVar(&o.dir, "o", "recordings", "")
	flags.DurationVar(&o.time, "for", 0, "")
	flags.Func("venue", "", func(name string) error { o.venues[name] = true; return nil })
	if err := parseFlags(flags, recordUsage, args, stderr); err != nil {
		return nil, o, err
	}
	switch {
	case *path == "" || flags.NArg() > 0:
		return nil, o, usageError("record: name a configuration file with -c", recordUsage)
	case o.time < 0:
		return nil, o, usageError("record: --for must not be negative", recordUsage)
	}
	cfg, err := LoadConfig(*path)
	return cfg, o, err
}

func record(args []string, stdout, stderr io.Writer) error {
	cfg, o, err := parseRecord(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if o.time > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, o.time)
		defer stop()
	}
	r, err := openRecording(cfg, o, func(*event.Event) bool { return true })
	if err != nil {
		return err
	}
	for _, v := range r.venues {
		fmt.Fprintf(stderr, "%s to %s\n", v.name, v.path)
	}
	err = r.run(ctx, stderr)
	for _, v := range r.venues {
		fmt.Fprintf(stdout, "%s %s: %d records, %d bytes\n", v.name, v.path, v.recorder.Count(), v.bytes)
	}
	return err
}

// recording is the feeds that are recorded and their files. One goroutine.
type recording struct {
	venues []*recordedVenue
	poller *wire.Poller
	fds    []wire.PollFD
}

type recordedVenue struct {
	name     string
	path     string
	file     *os.File
	recorder *tape.Recorder
	feed     feedWorker
	bytes    int64 // received
	err      error
}

// tap takes what the feed received; its first error ends the recording.
func (v *recordedVenue) tap(now int64, kind uint8, b []byte) {
	v.bytes += int64(len(b))
	if err := v.recorder.Record(now, tape.RecordKind(kind), b); err != nil && v.err == nil {
		v.err = fmt.Errorf("record: %s: %s: %w", v.name, v.path, err)
	}
}

// openRecording makes the files and feeds; events of the feeds go to sink.
func openRecording(cfg *Config, o recordOptions, sink event.Sink) (*recording, error) {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	r := &recording{}
	a := &assembly{cfg: cfg, taps: map[string]func(int64, uint8, []byte){}}
	for i := range cfg.Venue {
		s := &cfg.Venue[i]
		if s.Feed.Protocol == "" || len(o.venues) > 0 && !o.venues[s.Name] {
			continue
		}
		delete(o.venues, s.Name)
		v, err := openVenueFile(cfg, s, o.dir)
		if err == nil {
			r.venues = append(r.venues, v)
			a.taps[s.Name] = v.tap
			v.feed, err = a.openFeed(i, sink)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("venue %s: %w", s.Name, err), r.close())
		}
	}
	for name := range o.venues {
		return nil, errors.Join(usageError(fmt.Sprintf("record: no venue %s with a feed in the configuration", name),
			recordUsage), r.close())
	}
	if len(r.venues) == 0 {
		return nil, fmt.Errorf("%w: no venue has a feed", errConfig)
	}
	var err error
	if r.poller, err = wire.NewPoller(4 * len(r.venues)); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// openVenueFile makes a new file with its header; it never writes over one.
func openVenueFile(cfg *Config, s *venueSection, dir string) (*recordedVenue, error) {
	h := tape.Header{Venue: s.Name, Protocol: s.Feed.Protocol, Address: s.Feed.Address + s.Feed.Path,
		Depth: s.Feed.Depth, Snapshots: s.Feed.Snapshot != "", Zone: s.Feed.Zone}
	for in, text := range cfg.symbols(s) {
		h.Symbols = append(h.Symbols, tape.HeaderSymbol{Instrument: in.Symbol, Text: text,
			PriceDecimals: in.PriceDecimals, QtyDecimals: in.QtyDecimals,
			PricePrecision: s.Feed.PricePrecision, QtyPrecision: s.Feed.QtyPrecision})
	}
	v := &recordedVenue{name: s.Name}
	v.path = filepath.Join(dir, s.Name+"-"+time.Now().UTC().Format("20060102T150405.000Z")+".psrec")
	var err error
	if v.file, err = os.OpenFile(v.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); err != nil {
		return nil, err
	}
	if v.recorder, err = tape.NewRecorder(v.file, h); err != nil {
		v.file.Close()
		return nil, err
	}
	return v, nil
}

// recordIdle is how long the feeds may wait for bytes: their timers are coarser.
const recordIdle = 5 * time.Millisecond

// run works the feeds until ctx is done or a file cannot be written, and closes
// everything.
func (r *recording) run(ctx context.Context, stderr io.Writer) (err error) {
	told := time.Now()
	for ctx.Err() == nil && err == nil {
		if err = r.work(); time.Since(told) >= 10*time.Second {
			told = time.Now()
			for _, v := range r.venues {
				fmt.Fprintf(stderr, "%s: %d records, %d bytes\n", v.name, v.recorder.Count(), v.bytes)
			}
		}
	}
	if failed := r.close(); err == nil {
		err = failed
	}
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}

// work takes one turn of every feed, and waits when none had anything to do.
func (r *recording) work() error {
	n := 0
	r.fds = r.fds[:0]
	for _, v := range r.venues {
		n += v.feed.Work(clock())
		if v.err == nil {
			if err := v.recorder.Tick(clock()); err != nil {
				v.err = fmt.Errorf("record: %s: %s: %w", v.name, v.path, err)
			}
		}
		if v.err != nil {
			return v.err
		}
		r.fds = v.feed.PollFDs(r.fds)
	}
	if n > 0 {
		return nil
	}
	_, err := r.poller.Wait(r.fds, recordIdle)
	return err
}

func (r *recording) close() (err error) {
	for _, v := range r.venues {
		if v.feed != nil {
			err = errors.Join(err, v.feed.Close())
		}
		if v.err == nil {
			err = errors.Join(err, v.recorder.Close())
		}
		err = errors.Join(err, v.file.Close())
	}
	if r.poller != nil {
		err = errors.Join(err, r.poller.Close())
	}
	return err
}
