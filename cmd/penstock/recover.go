package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"penstock/event"
	"penstock/fix/ems"
	"penstock/journal"
	"penstock/market"
)

// ringDir is where journals' rings lie unless the configuration says otherwise: memory
// that outlives a process.
const ringDir = "/dev/shm"

// noRing in router.ring keeps the ring in the process.
const noRing = "none"

// shadowOff in router.shadow runs no second core.
const shadowOff = "off"

// recovery is a run that goes on: its journal replayed into a core.
type recovery struct {
	rerun
	reader   *journal.Reader
	from     *snapshotHeader // where the replay began; nil: with the first event
	saved    []byte          // the snapshot's state, until it is loaded
	refused  []error         // why newer snapshots were not used
	salvaged int             // records that only the ring had
	took     time.Duration   // of the replay
	parents  int             // live
	open     int             // children
	killed   bool            // a person stopped orders and has not let them go on

	reports []event.Command // for clients, in order
	clients []ems.ResumeClient
	heard   [market.MaxVenues]heard
	told    visitor
}

// heard are the numbers of a venue's sessions in the journal: MsgSeqNum(34) of its last message, 0 when
// it has none, of our last one before an execution report, and how many commands came after that.
type heard struct{ orders, copies, sent, since uint64 }

// hear notes the numbers of what a venue said.
func (h *heard) hear(e *event.Event) {
	if n := e.Sent(); n != 0 {
		h.sent, h.since = n, 0
	}
	n := e.MsgSeqNum()
	switch {
	case n == 0:
	case e.Kind == event.DropCopy, e.Kind == event.DropCopySession:
		h.copies = n
	default:
		h.orders = n
	}
}

// journalOptions are those of a run with a journal in dir.
func (a *assembly) journalOptions(dir string) journal.Options {
	o := journal.Options{OnDurable: a.onDurable, RingDir: orDefault(a.cfg.file.Router.Ring, ringDir),
		SegmentBytes: a.cfg.file.Router.SegmentBytes, Reserve: time.Duration(a.cfg.file.Router.Reserve),
		Mirror: a.cfg.mirrorOf(dir)}
	if o.RingDir == noRing {
		o.RingDir = ""
	}
	return o
}

// lastRun returns the journal of the newest run below root, "" when there is none.
func lastRun(root string) (dir string, err error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	newest := uint64(0)
	for _, e := range entries {
		n, err := strconv.ParseUint(e.Name(), 10, 64)
		if err != nil || n <= newest {
			continue
		}
		if m, _ := filepath.Glob(filepath.Join(root, e.Name(), "*.seg")); len(m) > 0 {
			dir, newest = filepath.Join(root, e.Name()), n
		}
	}
	return dir, nil
}

// runNumber is the epoch that names the folder of a run.
func runNumber(dir string) uint64 {
	n, _ := strconv.ParseUint(filepath.Base(dir), 10, 64) // lastRun gives no other names
	return n
}

// recover replays the newest journal, if the run in it is to go on: it has live orders,
// or it is of today, so that no ClOrdID of the day counts as new. nil begins a new run.
func (a *assembly) recover(table []byte, last lastStart) (*recovery, error) {
	dir, err := lastRun(a.cfg.at(a.cfg.file.Router.Journal))
	if err == nil {
		err = a.cfg.sameRun(dir, last, time.Unix(0, clock()))
	}
	if err != nil || dir == "" || a.cfg.Start.newRun != 0 && a.cfg.Start.newRun == last.Run && runNumber(dir) != last.Run {
		return nil, err
	}
	began := time.Now()
	salvaged, err := journal.Salvage(dir, a.journalOptions(dir))
	if err != nil {
		return nil, a.cfg.damaged(dir, err)
	}
	r, err := replayJournal(dir)
	if err != nil {
		return nil, a.cfg.damaged(dir, err)
	}
	r.salvaged = salvaged
	header := r.reader.Header()
	if r.core == nil {
		return nil, nil // it ended before its first event
	}
	// What the last event led to may be missing, in a journal that ends well, too: that is how
	// Salvage leaves it.
	if r.Mismatch != "" {
		return nil, fmt.Errorf("journal %s does not replay to what it recorded, so the state of its orders is not known: "+
			"%s; start with the build that wrote it, or have a person settle its orders, move it away and say --new-run %d", dir, r.Mismatch, runNumber(dir))
	}
	r.took, r.killed = time.Since(began), r.core.Gate().Latched(market.NoVenue)
	r.count()
	live := r.parents + r.open
	if build, err := buildHash(); err != nil {
		return nil, err
	} else if header.Build != build && live > 0 && !a.cfg.Start.otherBuild {
		return nil, fmt.Errorf("%d orders of the run in journal %s are live, and another build wrote it: start with that, or "+
			"say --other-build: it replays to what it recorded", live, dir)
	}
	inForce := r.core.Policy()
	if inForce == ([32]byte{}) {
		inForce = header.Policy
	}
	if header.Config != sha256.Sum256(a.cfg.Raw) || inForce != sha256.Sum256(table) {
		if live > 0 {
			return nil, fmt.Errorf("%d orders of the run in journal %s are live, and configuration or policy table differ "+
				"from its own: start with those, or have a person settle the orders, move the journal away and say --new-run %d", live, dir, runNumber(dir))
		}
		return nil, nil
	}
	today := time.Unix(0, header.Created).UTC().Format(time.DateOnly) == time.Unix(0, clock()).UTC().Format(time.DateOnly)
	if live == 0 && !today {
		return nil, nil
	}
	return r, nil
}

// replayJournal brings a core to the end of the journal in dir: from the newest snapshot that is
// sound and agrees with the journal, or from the first event. All of the journal is read and
// checked in either case, and what clients were told is taken from all of it.
func replayJournal(dir string) (*recovery, error) {
	paths, err := snapshots(dir)
	if err != nil {
		return nil, err
	}
	build, err := buildHash()
	if err != nil {
		return nil, err
	}
	var refused []error
	for _, path := range paths {
		r := &recovery{refused: refused}
		h, saved, err := readSnapshot(path)
		if err == nil {
			r.from, r.saved = &h, saved
			err = r.replay(dir, build)
		}
		if err == nil && r.Mismatch != "" {
			err = fmt.Errorf("%w: from there %s", errSnapshot, r.Mismatch)
		}
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, errSnapshot) {
			return nil, err
		}
		refused = append(refused, fmt.Errorf("%s: %w", filepath.Base(path), err))
	}
	r := &recovery{refused: refused}
	return r, r.replay(dir, build)
}

// replay reads the journal in dir to its end.
func (r *recovery) replay(dir string, build journal.Hash) (err error) {
	r.dir = dir
	r.tellAll()
	if r.reader, err = journal.Open(dir); err != nil {
		return err
	}
	h := r.reader.Header()
	if s := r.from; s != nil && (s.epoch != h.Epoch || s.build != build || s.build != h.Build || s.config != h.Config ||
		s.policy != h.Policy) {
		return fmt.Errorf("%w: it is of another run, build, configuration or policy", errSnapshot)
	}
	r.created = h.Created
	if r.Tail, err = readAll(r.reader, r.take); err != nil {
		return err
	}
	if r.saved != nil { // no record after it
		at := r.reader.Last()
		return r.load(at.Seq, at.Chain)
	}
	return nil
}

// load makes the core what the snapshot says, at the place after record seq.
func (r *recovery) load(seq uint64, chain uint32) error {
	if seq != r.from.place.Seq || chain != r.from.place.Chain {
		return fmt.Errorf("%w: the journal has another record %d than when it was taken", errSnapshot, seq)
	}
	if err := r.start(); err != nil {
		return err
	}
	if err := loadSnapshot(r.core, r.from, r.saved); err != nil {
		return err
	}
	r.saved = nil
	return r.offerTable(r.core.Policy())
}

// take replays a record and keeps what clients have to be told. What is before the snapshot
// is in its state already.
func (r *recovery) take(rec *journal.Record) error {
	if err := r.told.take(rec); err != nil {
		return err
	}
	if r.saved != nil {
		if rec.Type == journal.Blob || rec.Seq <= r.from.place.Seq {
			return r.keep(rec)
		}
		at := r.reader.Before()
		if err := r.load(at.Seq, at.Chain); err != nil {
			return err
		}
	}
	return r.rerun.take(rec)
}

// tellAll lets r keep what clients have to be told.
func (r *recovery) tellAll() {
	r.told = visitor{command: r.tell, event: func(e *event.Event) {
		if e.Kind >= event.ParentNew && e.Kind <= event.ParentDontKnow && e.Ref != 0 {
			c := r.client(e.Client)
			c.LastSeq, c.At = int(min(e.Ref, math.MaxInt32)), e.RecvTime
		}
		if int(e.Venue) < len(r.heard) {
			r.heard[e.Venue].hear(e)
		}
	}}
}

func (r *recovery) client(n uint16) *ems.ResumeClient {
	for len(r.clients) <= int(n) {
		r.clients = append(r.clients, ems.ResumeClient{})
	}
	return &r.clients[n]
}

func (r *recovery) tell(c *event.Command) {
	if c.Kind.ToVenue() && int(c.Venue) < len(r.heard) {
		r.heard[c.Venue].since++
	}
	if c.Kind == event.Report || c.Kind == event.RejectCancel {
		r.reports = append(r.reports, *c)
		r.client(c.Client).Reports++
	}
}

// count counts what is not at its end, before the core goes on.
func (r *recovery) count() {
	for i := range r.core.Parents() {
		if r.core.Parents()[i].Live() {
			r.parents++
		}
	}
	for i := range r.core.Children() {
		if !r.core.Children()[i].Released {
			r.open++
		}
	}
}

// resume goes on with the journal. What the last event led to and was not recorded any
// more is recorded now. Orders among it may have left or not; they do not leave now. After
// the restart their venues are asked like those of all others.
func (r *recovery) resume(o journal.Options) (*journal.Writer, error) {
	w, err := journal.Resume(r.reader, o)
	if err != nil {
		return nil, err
	}
	commands, decisions := r.out.Commands[r.commands:], r.out.Decisions[r.decided:]
	for i := range commands {
		r.tell(&commands[i])
		err = errors.Join(err, w.Append(journal.Command, r.core.Now(), commands[i].Bytes()))
	}
	for i := range decisions {
		err = errors.Join(err, w.Append(journal.Decision, r.core.Now(), decisions[i].Bytes()))
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// tellClients gives the acceptor the reports that clients have not been told, before any
// new one.
func (a *assembly) tellClients(r *recovery) {
	told := make([]uint64, len(r.clients))
	for i := range told {
		told[i] = a.ems.Told(i)
	}
	for i := range r.core.Parents() {
		if p := &r.core.Parents()[i]; p.Live() {
			e := p.Asked()
			a.ems.Working(&e)
		}
	}
	for i := range r.reports {
		c := &r.reports[i]
		if told[c.Client] > 0 {
			told[c.Client]--
			a.ems.Remember(c)
			continue
		}
		a.report(c)
	}
}

func (r *recovery) String() string {
	from := ""
	if r.from != nil {
		from = fmt.Sprintf(" from the snapshot after event %d", r.from.event)
	}
	for _, why := range r.refused {
		from += fmt.Sprintf("; %v", why)
	}
	return fmt.Sprintf("run %s goes on: %d events replayed in %v%s, %d records from its ring; %d parents live, "+
		"%d children open whose venues are asked", filepath.Base(r.dir), r.Events, r.took.Round(time.Millisecond), from,
		r.salvaged, r.parents, r.open)
}
