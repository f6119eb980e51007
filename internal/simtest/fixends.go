package simtest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/fixgw"
	"penstock/venues/wire"
)

// fixEnds speak FIX 4.4: the router's gateway, and a session of the venue.
type fixEnds struct {
	*wireLink
	gateway *fixgw.Gateway
	peer    *fix.Session
	numbers *os.File // the gateway's, where a process may die; in memory
	disk    []byte   // what a host that dies has of them
	synced  int64    // when
}

// writeBack is how long a host keeps a page that was written to itself.
const writeBack = 2 * second

func newFIXEnds(link *wireLink) *fixEnds {
	l := &fixEnds{wireLink: link}
	w, v := l.w, l.v
	if w.journal.keep && v.resend {
		fd, err := unix.MemfdCreate("numbers", 0)
		if err != nil {
			w.fail("%v", err)
		}
		l.numbers = os.NewFile(uintptr(fd), fmt.Sprintf("/proc/self/fd/%d", fd))
	}
	l.start(false)
	l.disk = l.saved()
	var err error
	l.peer, err = fix.NewSession(fix.Config{Role: fix.Acceptor, BeginString: "FIX.4.4", SenderCompID: "VENUE", TargetCompID: "SOR",
		AllowReset: !v.resend, LogMessages: 2048, App: l.arrived}, nil)
	if err != nil {
		w.fail("%v", err)
	}
	return l
}

// start makes the gateway of a process.
func (l *fixEnds) start(hostDied bool) {
	w, v := l.w, l.v
	dialect, ok := fixgw.DialectByName("sim")
	if !ok {
		w.fail("there is no dialect sim")
	}
	dialect.ResetOnLogon = !v.resend
	cfg := fixgw.Config{Addr: "127.0.0.1:1", SenderCompID: "SOR", TargetCompID: "VENUE", HeartBtIntSecs: 30, Dialect: dialect,
		Venue: market.VenueID(v.id), Kind: v.kind, BackoffMinNanos: milli, BackoffMaxNanos: 20 * milli, Seed: w.seed, Dial: func(ap netip.AddrPort, _ *tls.Config, _ time.Duration) (wire.Stream, error) { return l.dial(ap) },
		Sink: l.sink, HostDied: hostDied}
	cfg.Heard, cfg.Sent = w.journal.heard(v.id, event.Exec)
	if l.numbers != nil {
		cfg.StorePath = l.numbers.Name()
	}
	for i := range w.cfg.Instruments {
		in := &w.cfg.Instruments[i]
		cfg.Symbols = append(cfg.Symbols, fixgw.Symbol{ID: in.ID, Text: in.Symbol, PriceDecimals: in.PriceDecimals, QtyDecimals: in.QtyDecimals})
	}
	w.guard(&cfg)
	var err error
	if l.gateway, err = fixgw.New(cfg); err != nil {
		w.fail("%v", err)
	}
}

// forget is a new process, which goes on with the numbers as they were when the one before was killed,
// or earlier if the host died.
func (l *fixEnds) forget(host bool) {
	if l.numbers == nil {
		return
	}
	text := l.saved()
	if host {
		text = l.disk
	}
	l.gateway.Close()
	if _, err := l.numbers.WriteAt(text, 0); err != nil {
		l.w.fail("%v", err)
	}
	l.start(host)
	if host { // it has waited for the disk
		l.synced, l.disk = l.w.now, l.saved()
	}
}

// saved returns what a process that is killed leaves of the numbers.
func (l *fixEnds) saved() []byte {
	if l.numbers == nil {
		return nil
	}
	text := make([]byte, 256)
	n, err := l.numbers.ReadAt(text, 0)
	if err != nil && err != io.EOF {
		l.w.fail("%v", err)
	}
	return text[:n]
}

// close gives back what the memory does not.
func (l *fixEnds) close() {
	if l.numbers != nil {
		l.gateway.Close()
		l.numbers.Close()
	}
}

func (l *fixEnds) work()                      { l.gateway.Work(l.w.now) }
func (l *fixEnds) send(c *event.Command) bool { return l.gateway.Send(l.w.now, c) }
func (l *fixEnds) settle()                    {} // a message of FIX tells all of its order
func (l *fixEnds) connected()                 { l.peer.Connected(l.w.now) }
func (l *fixEnds) disconnected()              { l.peer.Disconnected(l.w.now) }
func (l *fixEnds) wantClose() (string, bool)  { return l.peer.WantClose() }
func (l *fixEnds) out() []byte                { return l.peer.Out() }
func (l *fixEnds) wrote(n int)                { l.peer.Wrote(n) }
func (l *fixEnds) read(b []byte) []message    { return readFrames(b) }

func (l *fixEnds) tick() {
	l.peer.Tick(l.w.now)
	if l.w.now >= l.synced+writeBack {
		l.synced, l.disk = l.w.now, l.saved()
	}
}

func (l *fixEnds) answer(*event.Event) (m message, ok bool) { return m, false }

// receive lets the venue's session take bytes. An order that its application does not get has come behind
// a gap; the router fills it, and repeats no order.
func (l *fixEnds) receive(b []byte) (taken int) {
	taken = l.peer.Receive(l.w.now, b)
	for _, m := range readFrames(b[:taken]) {
		if o := l.w.orders[m.number]; m.typ == msgOrder && o.state == flying {
			l.land(o)
			o.forget(l.w)
		}
	}
	return taken
}

// arrived is what the venue's session makes of a message of ours.
func (l *fixEnds) arrived(f *fix.Message, _ int64) bool {
	for _, m := range readFrames(f.Frame()) {
		o := l.w.orders[m.number]
		if o == nil && m.typ == msgCancel && l.w.ledger.orphans[m.number] {
			continue // the venue has it from somebody else
		}
		if o == nil {
			l.w.fail("venue %d got a message about order %d, which was never sent", l.v.id, m.number)
		}
		if m.typ == msgOrder {
			if o.state != flying {
				l.w.fail("order %d arrived at venue %d a second time", o.number, l.v.id)
			}
			if m.qty != o.qty || m.side != o.mark.Code(o.side) || m.show != o.show || m.tif != byte(o.tif) || m.ordType != byte(o.ordType) && o.ordType != market.OrdPegged ||
				m.price != o.price && o.ordType != market.OrdMarket || m.minQty != o.minQty {
				l.w.fail("order %+v arrived as %+v", *o, m)
			}
		}
		l.v.receive(l.w, &m)
	}
	return true
}

// say writes a message of the venue.
func (l *fixEnds) say(m *message) {
	if m.typ == msgInvite {
		l.sayInvite(m)
	} else if m.typ == msgCancelReject {
		b := l.peer.Begin(l.w.now, fix.MsgCancelReject)
		b.Uint(fix.TagClOrdID, m.ref)
		b.Str(fix.TagOrderID, "V")
		b.Uint(fix.TagOrigClOrdID, m.number)
		b.Char(fix.TagOrdStatus, m.ordStatus)
		b.Char(fix.TagCxlRejResponseTo, '1')
		b.Int(fix.TagCxlRejReason, int64(m.reason.CxlRejReason()))
	} else {
		l.sayReport(l.peer.Begin(l.w.now, fix.MsgExecutionReport), m)
	}
	if err := l.peer.Send(); err != nil {
		l.w.fail("venue %d cannot say %+v: %v", l.v.id, *m, err)
	}
	l.flush()
}

// sayInvite writes an invitation: as a report, or as an IOI where it names no order or is taken back.
func (l *fixEnds) sayInvite(m *message) {
	symbol := l.w.cfg.Instruments[m.instrument].Symbol
	if m.number == 0 || m.leaves == 1 {
		b := l.peer.Begin(l.w.now, fix.MsgIOI)
		b.Str(fix.TagIOIID, m.id.String())
		b.Char(fix.TagIOITransType, [...]byte{'N', 'C'}[m.leaves])
		if m.number != 0 {
			b.Uint(fix.TagClOrdID, m.number)
		}
		b.Str(fix.TagSymbol, symbol)
		b.Char(fix.TagSide, m.side)
		b.Int(fix.TagIOIQty, m.qty)
		return
	}
	b := l.peer.Begin(l.w.now, fix.MsgExecutionReport)
	b.Uint(fix.TagClOrdID, m.number)
	b.Str(fix.TagExecID, m.id.String())
	b.Char(fix.TagExecType, 'I')
	b.Char(fix.TagOrdStatus, '0')
	b.Str(fix.TagIOIID, m.id.String())
	b.Int(8005, 5)
	b.Str(fix.TagSymbol, symbol)
	b.Char(fix.TagSide, m.side)
	b.Int(fix.TagLeavesQty, m.qty)
}

func (l *fixEnds) sayReport(b *fix.Writer, m *message) {
	b.Uint(fix.TagClOrdID, m.number)
	b.Str(fix.TagOrderID, "V")
	b.Str(fix.TagExecID, m.id.String())
	if m.orig != (event.ID{}) {
		b.Str(fix.TagExecRefID, m.orig.String())
	}
	b.Char(fix.TagExecType, m.execType)
	b.Char(fix.TagOrdStatus, m.ordStatus)
	b.Char(fix.TagSide, max(m.side, '1'))
	b.Str(fix.TagSymbol, l.w.cfg.Instruments[m.instrument].Symbol)
	b.Int(fix.TagOrderQty, m.qty)
	b.Decimal(fix.TagPrice, m.price, 4)
	b.Int(fix.TagCumQty, m.cum)
	b.Int(fix.TagLeavesQty, m.leaves)
	switch m.execType {
	case 'F', 'G', 'H':
		b.Int(fix.TagLastQty, m.last)
		b.Decimal(fix.TagLastPx, m.lastPx, 4)
		b.Char(fix.TagLastLiquidityInd, '2')
	}
	b.Decimal(fix.TagAvgPx, m.lastPx, 4)
	if m.reason != event.ReasonNone {
		b.Int(fix.TagOrdRejReason, int64(m.reason.OrdRejReason()))
		b.Str(fix.TagText, m.reason.String())
	}
}

// check is at the end of the day: every message was understood.
func (l *fixEnds) check() {
	s, p := l.gateway.Stats(), l.peer.Stats()
	if s.Malformed > 0 || s.Unknown > 0 || s.Session.Garbled > 0 || p.Malformed > 0 || p.RejectsIn > 0 || p.Garbled > 0 {
		l.w.fail("venue %d and its gateway do not understand each other: %+v, %s; %+v", l.v.id, s, s.LastMalformed, p)
	}
	if s.Session.Gaps > 0 {
		l.w.hit(fm26)
	}
	if p.Gaps > 0 {
		l.w.hit(fm28)
	}
}
