package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
	"penstock/venues/tape"
)

// demoEvents keeps what the feed of each venue said.
type demoEvents [market.MaxVenues][]event.Event

func (d *demoEvents) take(e *event.Event) bool {
	d[e.Venue] = append(d[e.Venue], *e)
	return true
}

// book returns the book that the events make, nil without any.
func (d *demoEvents) book(venue int) *book.Book {
	if len(d[venue]) == 0 {
		return nil
	}
	var orders *book.Orders
	if slices.ContainsFunc(d[venue], func(e event.Event) bool { return e.Kind == event.OrderAdd }) {
		orders = book.NewOrders(1 << 16)
	}
	b := book.New(book.Capacity{Levels: 1 << 12}, orders)
	for i := range d[venue] {
		b.Apply(&d[venue][i])
	}
	return b
}

func levels(l *book.Ladder) (list []book.Level) {
	for i := range l.Len() {
		list = append(list, l.At(i))
	}
	return list
}

// startRecording records two lit venues of the demonstration's market.
func startRecording(t *testing.T) (*recording, *demoEvents, *Config) {
	t.Helper()
	dir := t.TempDir()
	o := demoOptions{symbol: "PSTK", seed: 5}
	m, err := startDemoMarket(o, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	cfg, err := demoConfig(o, m, dir)
	if err != nil {
		t.Fatal(err)
	}
	events := &demoEvents{}
	r, err := openRecording(cfg, recordOptions{dir: filepath.Join(dir, "recordings"),
		venues: map[string]bool{"LITA": true, "LITB": true}}, events.take)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.venues {
		if f, ok := v.feed.(*itch.Feed); ok {
			if err := m.Venue(v.name).AddReceiver(f.LocalAddr(0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r, events, cfg
}

// until works the recording until done, at most a minute.
func (r *recording) until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); {
		if err := r.work(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was recorded")
		}
	}
}

func (r *recording) records(n int64) func() bool {
	return func() bool {
		for _, v := range r.venues {
			if v.recorder.Count() < n {
				return false
			}
		}
		return true
	}
}

// playRecorded plays a file of the recorder into a book.
func playRecorded(t *testing.T, venue, path string) (*book.Book, tape.Stats) {
	t.Helper()
	feed, err := tape.ParseFeed(venue + "=recorded:" + path)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := tape.NewPlan([]tape.Feed{feed})
	if err != nil {
		t.Fatal(err)
	}
	played, err := plan.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer played.Close()
	var events demoEvents
	for played.Play(events.take) {
	}
	return events.book(0), played.Stats()[0]
}

// What is recorded from sockets and played again gives the books that the feeds gave.
func TestRecordAndReplay(t *testing.T) {
	t.Parallel()
	r, events, cfg := startRecording(t)
	r.until(t, r.records(60))
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.venues {
		again, s := playRecorded(t, v.name, v.path)
		id := slices.IndexFunc(cfg.Router.Venues, func(x market.Venue) bool { return x.Name == v.name })
		live := events.book(id)
		if again == nil || !slices.Equal(levels(again.Bids), levels(live.Bids)) ||
			!slices.Equal(levels(again.Asks), levels(live.Asks)) || again.State != live.State {
			t.Errorf("%s: the books differ: %+v", v.name, s)
		}
		if !s.Sound() || s.Messages < 50 || live.Bids.Len() < 5 || live.Absurd+again.Absurd != 0 {
			t.Errorf("%s: %s %d bids: %+v", v.name, live.State, live.Bids.Len(), s)
		}
		if verdict, err := tape.Verify(v.name, s.Feed, nil); err != nil || len(verdict.Failures()) > 0 || verdict.Books != 1 {
			t.Errorf("%s: %+v, %v", v.name, verdict, err)
		}
	}
}

// A recorder that is killed leaves a file that is cut, and all but its last frame.
func TestKilledRecorderLosesTheLastFrame(t *testing.T) {
	t.Parallel()
	r, _, _ := startRecording(t)
	r.until(t, r.records(40))
	for _, v := range r.venues {
		if err := v.recorder.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	r.until(t, r.records(60))
	for _, v := range r.venues {
		content, err := os.ReadFile(v.path) // as a kill would leave it
		if err != nil {
			t.Fatal(err)
		}
		for _, lost := range []int{0, 3} {
			path := filepath.Join(t.TempDir(), "killed.psrec")
			if err := os.WriteFile(path, content[:len(content)-lost], 0o600); err != nil {
				t.Fatal(err)
			}
			_, s := playRecorded(t, v.name, path)
			if !s.Cut() || lost == 0 && s.Messages < 35 || s.Malformed != 0 {
				t.Errorf("%s: %d lost: %+v", v.name, lost, s)
			}
		}
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
}

// diskOf has room for some bytes before the rest meets a full device.
type diskOf struct {
	room int
	file *os.File
}

func (d *diskOf) Write(b []byte) (int, error) {
	if d.room -= len(b); d.room < 0 {
		return d.file.Write(b)
	}
	return len(b), nil
}

// A disk that is full ends the recording and is named.
func TestFullDiskEndsTheRecording(t *testing.T) {
	r, _, _ := startRecording(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	v := r.venues[0]
	v.file.Close()
	v.file = full
	disk := &diskOf{room: 1 << 12, file: full}
	if v.recorder, err = tape.NewRecorder(disk, tape.Header{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = r.run(ctx, io.Discard)
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitFailed || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v", err)
	}
}

func TestRecordUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"name a configuration file": {"record"},
		"must not be negative":      {"record", "-c", "x", "--for", "-1s"},
		"no such file":              {"record", "-c", "nowhere.toml"},
	} {
		var out, errs strings.Builder
		if code := Main(args, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: %d %s", want, code, errs.String())
		}
	}
}
