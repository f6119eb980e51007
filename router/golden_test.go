package router

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/event"
	"penstock/market"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// script runs one file of testdata: a line of input, then the commands and
// decisions that it led to, indented. Words of the input:
//
//	book VENUE BIDxQTY ASKxQTY             depth, one level a side ("-" for none)
//	quote VENUE ID BIDxQTY ASKxQTY LIFE    a dealer's quote
//	session VENUE up|down
//	parent ID buy|sell QTY market|LIMIT sweep|twap|vwap|pov|is|seek [HORIZON SLICE] [TERM=VALUE…] [dup]
//	cancel ID ORIG · replace ID ORIG QTY market|LIMIT [STRATEGY HORIZON SLICE TERM=VALUE…] · status ID
//	auction VENUE · halt VENUE · reopen VENUE; market VENUE|all halted|auction|live
//	band VENUE|all LOW HIGH                prices that may be traded, "-" for none
//	clock STEP OFFSET                      what the watch of the wall clock says
//	pause N · unpause N · force N          a named person, about parent PN
//	exec CHILD new|pending|trade|canceled|expired|rejected|done|status|bust|correct|restated STATUS
//	     cum N [LAST@PX] [id EXECID] [ref EXECID] [of QTY@PX] [dup] [unknown]
//	cxlrej CHILD late|unknown [STATUS]
//	protect on|off                         displayed quotes
//	cancel-after-ack VENUE                 it knows only orders that it has answered
//	latency VENUE DURATION                 of an order to it, as the parameter set says
//	copy CHILD …                           as exec, by the venue's drop copy
//	copies VENUE up [gap]|down · copies VENUE within DURATION
//	client up|down · cancel-after DURATION · dontknow PARENT EXECID
//	invite CHILD ID QTY [WINDOW] · uninvite CHILD ID
//	kill [VENUE] · resume [VENUE] · time DURATION · restart
//	show                                   parents and open children
type script struct {
	t    *testing.T
	core *Core
	out  *event.Output
	e    event.Event
	seq  uint64
	now  int64
	text []byte
	kind event.Kind // of what exec says

	epoch uint64
}

const scriptEpoch = 1

func newScript(t *testing.T) *script { return newScriptOf(t, testConfig()) }

func newScriptOf(t *testing.T, cfg *Config) *script {
	core, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, core: core, kind: event.Exec, out: core.OutputFor(), now: 1_800_000_000e9}
	s.epoch = scriptEpoch
	s.step(event.Event{Kind: event.SessionStart, Ref: scriptEpoch})
	return s
}

func (s *script) step(e event.Event) {
	s.seq++
	s.e = e
	s.e.Seq, s.e.StepTime, s.e.RecvTime = s.seq, s.now, s.now
	s.out.Reset()
	s.core.Step(&s.e, s.out)
	if trouble := s.core.Audit(); trouble != "" {
		s.t.Fatalf("%s\n%s", trouble, s.text)
	}
	for i := range s.out.Commands {
		if c := &s.out.Commands[i]; c.Kind == event.BookMoved && c.To != event.BookStale && c.From != event.BookStale {
			continue // every script builds its books first
		}
		s.text = append(s.text, "    "...)
		s.command(&s.out.Commands[i])
		s.text = append(s.text, '\n')
	}
}

// number is the last part of an order number.
func number(n uint64) uint64 { return n % numberBase }

func (s *script) venue(v market.VenueID) string {
	if int(v) < len(s.core.venues) {
		return s.core.venues[v].Name
	}
	return "-"
}

func (s *script) command(c *event.Command) {
	in := &s.core.instruments[0]
	add := func(format string, args ...any) { s.text = fmt.Appendf(s.text, format, args...) }
	switch c.Kind {
	case event.SendOrder:
		add("send C%d %s %v %d @%s", number(c.Child), s.venue(c.Venue), c.Side, c.Qty, in.FormatPrice(c.Price))
		switch {
		case c.OrdType == market.OrdPreviouslyQuoted:
			add(" quote %v", c.ID)
		case c.ExecInst == market.ExecInstConditional:
			add(" conditional min %d", c.MinQty)
		case c.ExecInst == market.ExecInstFirmUp:
			add(" firm for %v min %d", c.ID, c.MinQty)
		case c.OrdType == market.OrdPegged:
			add(" mid-peg min %d", c.MinQty)
		case c.ExecInst == market.ExecInstPostOnly:
			add(" post-only")
		case c.ExecInst == market.ExecInstISO:
			add(" ISO")
		}
		if c.Show() != 0 {
			add(" show %d", c.Show())
		}
		if c.Mark != market.Long {
			add(" %v", c.Mark)
		}
		add(" tif %c", c.TIF)
	case event.SendCancel:
		add("cancel C%d %s", number(c.Child), s.venue(c.Venue))
	case event.SendStatus:
		add("ask C%d %s", number(c.Child), s.venue(c.Venue))
	case event.AskQuote:
		add("ask R%d %s for a quote %v %d", number(c.Ref)-cancelNumber, s.venue(c.Venue), c.Side, c.Qty)
	case event.PassQuote:
		add("pass R%d %s quote %v", number(c.Ref)-cancelNumber, s.venue(c.Venue), c.ID)
	case event.SendMassStatus:
		add("ask all %s", s.venue(c.Venue))
	case event.Report:
		add("report %v %v %v cum %d leaves %d of %d", c.ID, c.ExecType, c.OrdStatus, c.CumQty, c.LeavesQty, c.Qty)
		if c.LastQty != 0 {
			add(" last %d @%s %s", c.LastQty, in.FormatPrice(c.LastPx), s.venue(c.Venue))
		}
		if c.ExecRef != 0 {
			add(" instead of report %d", number(c.ExecRef))
		}
		if c.OrigID.Len() > 0 && c.LastQty == 0 {
			add(" orig %v", c.OrigID)
		}
	case event.RejectCancel:
		add("reject %v orig %v order %v", c.ID, c.OrigID, c.OrdStatus)
	case event.ResyncBook:
		add("resync %s", s.venue(c.Venue))
	case event.ProtectedQuote:
		add("protected %s %v %d @%s", s.venue(c.Venue), c.Side, c.Qty, in.FormatPrice(c.Price))
	case event.Alert:
		add("alert C%d %s", number(c.Child), s.venue(c.Venue))
	case event.BookMoved:
		add("book %s %v to %v", s.venue(c.Venue), c.From, c.To)
	}
	if c.Reason != event.ReasonNone {
		add(": %v", c.Reason)
	}
}

func (s *script) show() {
	for i := range s.core.Parents() {
		p := &s.core.Parents()[i]
		s.text = fmt.Appendf(s.text, "    P%d %v cum %d reserved %d unplaced %d frozen %v", number(p.Number), p.Status,
			p.Cum, p.Reserved, p.Unplaced(), p.Frozen)
		if p.Held != 0 {
			s.text = fmt.Appendf(s.text, " held %d", p.Held)
		}
		s.text = append(s.text, '\n')
		for c := p.first; c != none; c = s.core.children[c].next {
			ch := &s.core.children[c]
			s.text = fmt.Appendf(s.text, "      C%d %s %v cum %d reserved %d unknown %v canceling %v", number(ch.Number),
				s.venue(ch.Venue), ch.Status, ch.Cum, ch.reserved(), ch.unknown, ch.canceling)
			if a, ok := s.core.Queue(ch); ok {
				s.text = fmt.Appendf(s.text, " behind %d to %d", a.Low, a.High)
			}
			s.text = append(s.text, '\n')
		}
	}
}

func (s *script) fail(line string, why any) { s.t.Fatalf("%q: %v", line, why) }

func (s *script) line(line string) {
	w := strings.Fields(line)
	price := func(text string) market.Price {
		if text == "market" {
			return 0
		}
		v, err := market.ParseDecimal([]byte(text), 4)
		if err != nil {
			s.fail(line, err)
		}
		return market.Price(v)
	}
	count := func(text string) market.Qty {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			s.fail(line, err)
		}
		return market.Qty(v)
	}
	level := func(text string) (market.Price, market.Qty) {
		p, q, ok := strings.Cut(text, "x")
		if !ok {
			return 0, 0
		}
		return price(p), count(q)
	}
	span := func(text string) int64 {
		d, err := time.ParseDuration(text)
		if err != nil {
			s.fail(line, err)
		}
		return int64(d)
	}
	venue := func(name string) market.VenueID {
		for i := range s.core.venues {
			if s.core.venues[i].Name == name {
				return market.VenueID(i)
			}
		}
		s.fail(line, "unknown venue")
		return 0
	}
	id := func(text string) event.ID {
		v, _ := event.MakeID(text)
		return v
	}
	scope := func() market.VenueID {
		if len(w) > 1 {
			return venue(w[1])
		}
		return market.NoVenue
	}
	switch w[0] {
	case "book":
		v := venue(w[1])
		s.step(event.Event{Kind: event.BookClear, Venue: v, Flags: event.More})
		for i, side := range []market.Side{market.Buy, market.Sell} {
			if p, q := level(w[2+i]); q > 0 {
				s.step(event.Event{Kind: event.BookLevel, Venue: v, Side: side, Price: p, Qty: q, Flags: event.More})
			}
		}
		s.step(event.Event{Kind: event.BookStatus, Venue: v, Code: uint8(event.BookLive)})
	case "age":
		s.core.composites[0].Books[venue(w[1])].MaxAge = span(w[2])
		s.core.nextAge = s.now
	case "level", "trade":
		e := event.Event{Kind: event.BookLevel, Venue: venue(w[1]), Side: market.Buy}
		if w[0] == "trade" {
			e.Kind = event.MarketTrade
		}
		if w[2] == "sell" {
			e.Side = market.Sell
		}
		e.Price, e.Qty = level(w[3])
		s.step(e)
	case "quote":
		e := event.Event{Kind: event.Quote, Venue: venue(w[1]), ID: id(w[2]), Until: s.now + span(w[5])}
		e.Price, e.Qty = level(w[3])
		e.LastPx, e.LastQty = level(w[4])
		s.step(e)
	case "answer", "noquote": // answer VENUE REQUEST QUOTE BID OFFER SPAN
		e := event.Event{Kind: event.QuoteAnswer, Venue: venue(w[1]), Ref: s.epoch*numberBase + cancelNumber + uint64(count(w[2]))}
		if w[0] == "noquote" {
			e.Code, e.Reason = event.QuoteRefused, event.ReasonVenueReject
		} else {
			e.ID, e.Until = id(w[3]), s.now+span(w[6])
			e.Price, e.Qty = level(w[4])
			e.LastPx, e.LastQty = level(w[5])
		}
		s.step(e)
	case "session":
		e := event.Event{Kind: event.VenueSession, Venue: venue(w[1]), Code: uint8(event.SessionDown)}
		switch w[2] {
		case "up":
			e.Code = uint8(event.SessionUp)
		case "behind":
			e.Code = uint8(event.SessionBehind)
		}
		if len(w) > 3 {
			e.Reason = scriptReason(w[3])
		}
		s.step(e)
	case "orphan": // orphan VENUE C<number of ours>|<OrderID of others> STATUS OrderQty CUM
		ours, text := false, w[2]
		if text[0] == 'C' {
			ours, text = true, text[1:]
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			s.fail(line, err)
		}
		ref, orderRef := uint64(0), n
		if ours {
			ref, orderRef = s.epoch*numberBase+n, 0
		}
		s.step(event.Event{Kind: event.Exec, Venue: venue(w[1]), Ref: ref, OrderRef: orderRef, Code: uint8(market.ExecOrderStatus),
			OrdStatus: ordStatus(w[3]), Side: market.Buy, Qty: count(w[4]), CumQty: count(w[5])})
	case "clock":
		s.step(event.Event{Kind: event.Clock, Venue: market.NoVenue, Until: span(w[1]), StartTime: span(w[2]), Code: 1})
	case "market":
		e := event.Event{Kind: event.MarketStatus, Venue: market.NoVenue, Code: uint8(map[string]event.BookState{"halted": event.BookHalted,
			"auction": event.BookAuction, "live": event.BookLive}[w[2]])}
		if w[1] != "all" {
			e.Venue = venue(w[1])
		}
		s.step(e)
	case "shorts": // shorts VENUE restricted|free
		e := event.Event{Kind: event.ShortRestriction, Venue: venue(w[1])}
		if w[2] == "restricted" {
			e.Code = event.ShortsRestricted
		}
		s.step(e)
	case "band":
		e := event.Event{Kind: event.PriceBand, Venue: market.NoVenue}
		if w[1] != "all" {
			e.Venue = venue(w[1])
		}
		if w[2] != "-" {
			e.Price, e.LastPx = price(w[2]), price(w[3])
		}
		s.step(e)
	case "halt", "reopen", "auction":
		state := event.BookHalted
		switch w[0] {
		case "reopen":
			state = event.BookLive
		case "auction":
			state = event.BookAuction
		}
		s.step(event.Event{Kind: event.BookStatus, Venue: venue(w[1]), Code: uint8(state), Reason: event.ReasonVenueState})
	case "parent":
		s.parent(w, id(w[1]), count(w[3]), price(w[4]), span)
	case "cancel":
		e := event.Event{Kind: event.ParentCancel, ID: id(w[1]), OrigID: id(w[2])}
		if len(w) > 3 {
			e.Side, e.Mark, _ = market.ParseSide(w[4][0])
		}
		s.step(e)
	case "replace":
		e := event.Event{Kind: event.ParentReplace, ID: id(w[1]), OrigID: id(w[2]), Qty: count(w[3]), Price: price(w[4])}
		switch {
		case len(w) > 5 && w[5] == "side":
			e.Side, e.Mark, _ = market.ParseSide(w[6][0])
		case len(w) > 5 && w[5] == "display":
			e.SetDisplay(count(w[6]))
		case len(w) > 5:
			s.terms(&e, w[5:], span)
		}
		s.step(e)
	case "status":
		s.step(event.Event{Kind: event.ParentStatus, ID: id(w[1])})
	case "exec":
		s.exec(w, count, price)
	case "copy":
		s.kind = event.DropCopy
		s.exec(w, count, price)
		s.kind = event.Exec
	case "answers-all": // it is asked for all orders at once
		s.core.venues[venue(w[1])].MassStatus = true
	case "all-named": // it has named every open order
		s.step(event.Event{Kind: event.MassStatus, Venue: venue(w[1])})
	case "copies":
		v := venue(w[1])
		if w[2] == "within" {
			s.core.venues[v].DropCopyNanos, s.core.hasDropCopy = span(w[3]), true
			return
		}
		e := event.Event{Kind: event.DropCopySession, Venue: v, Code: uint8(event.SessionDown)}
		if w[2] == "up" {
			e.Code = uint8(event.SessionUp)
		}
		if len(w) > 3 {
			e.Reason = event.ReasonGap
		}
		s.step(e)
	case "cxlrej":
		ch := s.child(w[1])
		reason := event.ReasonTooLate
		if w[2] == "unknown" {
			reason = event.ReasonUnknownOrder
		}
		e := event.Event{Kind: event.OrderCancelReject, Venue: ch.Venue, Ref: ch.Number, Reason: reason}
		if len(w) > 3 {
			e.OrdStatus = ordStatus(w[3])
		}
		s.step(e)
	case "invite", "uninvite":
		ch := s.child(w[1])
		e := event.Event{Kind: event.Invitation, Venue: ch.Venue, Ref: ch.Number, ID: id(w[2]), Side: ch.Side}
		if w[0] == "uninvite" {
			e.Code = event.InvitationWithdrawn
		} else {
			e.Qty = count(w[3])
		}
		if len(w) > 4 {
			e.Until = s.now + span(w[4])
		}
		s.step(e)
	case "invite-any": // invite-any VENUE SIDE ID QTY: it names no order
		side := market.Buy
		if w[2] == "sell" {
			side = market.Sell
		}
		s.step(event.Event{Kind: event.Invitation, Venue: venue(w[1]), Side: side, ID: id(w[3]), Qty: count(w[4])})
	case "client":
		state := event.SessionDown
		if w[1] == "up" {
			state = event.SessionUp
		}
		s.step(event.Event{Kind: event.ClientSession, Code: uint8(state)})
	case "cancel-after":
		s.core.clients, s.core.awayUntil = []ClientPolicy{{span(w[1])}}, []int64{Keep}
	case "dontknow":
		s.step(event.Event{Kind: event.ParentDontKnow, ID: id(w[2]), Code: 'D',
			OrderRef: s.epoch*numberBase + uint64(count(w[1]))})
	case "protect":
		s.core.protect = [][]Protection{{{On: w[1] == "on"}}}
	case "latency": // one way, as the parameter set says
		s.core.economics.set.Venues[venue(w[1])].LatencyMicros = uint32(span(w[2]) / 1000)
		s.core.blend()
	case "cancel-after-ack":
		s.core.venues[venue(w[1])].CancelAfterAck = true
	case "restart":
		s.epoch++
		s.step(event.Event{Kind: event.SessionStart, Ref: s.epoch})
	case "kill":
		s.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorKill), Venue: scope()})
	case "resume":
		s.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorResume), Venue: scope()})
	case "pause", "unpause", "force":
		act := map[string]event.OperatorAct{"pause": event.OperatorPauseParent,
			"unpause": event.OperatorResumeParent, "force": event.OperatorForceParent}[w[0]]
		s.step(event.Event{Kind: event.Operator, Code: uint8(act), Ref: s.epoch*numberBase + uint64(count(w[1])), Venue: market.NoVenue})
	case "hold":
		s.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorHold), Venue: market.NoVenue})
	case "release":
		s.step(event.Event{Kind: event.Operator, Code: uint8(event.OperatorRelease), Venue: market.NoVenue})
	case "time":
		for end := s.now + span(w[1]); ; {
			next := s.core.NextTimer()
			if next > end {
				s.now = end
				return
			}
			s.now = max(s.now, next)
			s.step(event.Event{Kind: event.Timer})
		}
	case "show":
		s.show()
	default:
		s.fail(line, "unknown word")
	}
}

func (s *script) parent(w []string, id event.ID, qty market.Qty, limit market.Price, span func(string) int64) {
	e := event.Event{Kind: event.ParentNew, ID: id, Side: market.Buy, Qty: qty, Price: limit,
		OrdType: market.OrdLimit, TIF: market.TIFDay, Strategy: event.StrategySweep}
	switch w[2] {
	case "sell":
		e.Side = market.Sell
	case "short", "short-exempt", "unlocated":
		e.Side, e.Mark = market.Sell, map[string]market.Mark{"short-exempt": market.ShortExempt}[w[2]]
		if e.Mark == market.Long {
			e.Mark = market.Short
		}
		if w[2] != "unlocated" {
			e.OrigID, _ = event.MakeID("LOCATOR")
		}
	}
	if limit == 0 {
		e.OrdType = market.OrdMarket
	}
	if w[len(w)-1] == "dup" {
		e.Flags, w = event.PossDup, w[:len(w)-1]
	}
	s.terms(&e, w[5:], span)
	s.step(e)
}

// terms reads a strategy, its horizon and slice, and its terms by name.
func (s *script) terms(e *event.Event, w []string, span func(string) int64) {
	strategy, ok := event.ParseStrategy(strings.ToUpper(w[0]))
	if !ok {
		s.fail(strings.Join(w, " "), "unknown strategy")
	}
	if e.Strategy = strategy; !strategy.Scheduled() {
		return
	}
	e.Until, e.SliceNanos = s.now+span(w[1]), span(w[2])
	for _, term := range w[3:] {
		name, text, _ := strings.Cut(term, "=")
		n, _ := strconv.ParseInt(text, 10, 64)
		switch name {
		case "after":
			e.StartTime = s.now + span(text)
		case "would":
			v, err := market.ParseDecimal([]byte(text), 4)
			if err != nil {
				s.fail(term, err)
			}
			e.LastPx = market.Price(v)
		case "min":
			e.MinQty = market.Qty(n)
		case "max":
			e.LastQty = market.Qty(n)
		case "display":
			e.SetDisplay(market.Qty(n))
		case "block":
			e.LeavesQty = market.Qty(n)
		case "rate":
			e.CumQty = market.Qty(n)
		case "urgency":
			u, _ := event.ParseUrgency(text)
			e.Code = uint8(u)
		case "catchup":
			e.Flags |= event.NoCatchUp
		default:
			s.fail(term, "unknown term")
		}
	}
}

func (s *script) child(text string) *Child {
	n, err := strconv.Atoi(strings.TrimPrefix(text, "C"))
	if err != nil || n < 1 || n > s.core.childCount {
		s.t.Fatalf("no child %s\n%s", text, s.text)
	}
	return &s.core.children[n-1]
}

var execWords = map[string]market.ExecType{"new": market.ExecNew, "pending": market.ExecPendingNew,
	"pending-cancel": market.ExecPendingCancel, "done": market.ExecDoneForDay, "trade": market.ExecTrade, "canceled": market.ExecCanceled, "expired": market.ExecExpired,
	"rejected": market.ExecRejected, "status": market.ExecOrderStatus, "bust": market.ExecTradeCancel,
	"correct": market.ExecTradeCorrect, "restated": market.ExecRestated}

func (s *script) exec(w []string, count func(string) market.Qty, price func(string) market.Price) {
	ch := s.child(w[1])
	e := event.Event{Kind: s.kind, Venue: ch.Venue, Ref: ch.Number, Code: uint8(execWords[w[2]]),
		CumQty: count(w[5]), Liquidity: market.LiquidityRemoved}
	e.OrdStatus = ordStatus(w[3])
	for i := 6; i < len(w); i++ {
		switch q, p, last := strings.Cut(w[i], "@"); {
		case last:
			e.LastQty, e.LastPx = count(q), price(p)
		case w[i] == "unknown":
			e.Reason = event.ReasonUnknownOrder
		case w[i] == "dup":
			e.Flags |= event.PossDup
		case w[i] == "for" && i+1 < len(w):
			i++
			e.Reason = scriptReason(w[i])
		case w[i] == "id" && i+1 < len(w):
			i++
			e.ID, _ = event.MakeID(w[i])
		case w[i] == "ref" && i+1 < len(w):
			i++
			e.OrigID, _ = event.MakeID(w[i])
		case w[i] == "of" && i+1 < len(w):
			i++
			q, p, _ := strings.Cut(w[i], "@")
			e.Qty, e.Price = count(q), price(p)
		default:
			s.fail(strings.Join(w, " "), "unknown word "+w[i])
		}
	}
	if e.Code == 0 || e.OrdStatus == 0 || w[4] != "cum" {
		s.fail(strings.Join(w, " "), "exec CHILD TYPE STATUS cum N [LAST@PX]")
	}
	s.step(e)
}

// scriptReason reads a reason by the word that scripts have for it.
func scriptReason(word string) event.Reason {
	return map[string]event.Reason{"throttle": event.ReasonVenueThrottle, "halted": event.ReasonVenueHalted,
		"band": event.ReasonPriceBand, "lot": event.ReasonBadQty, "venue": event.ReasonVenueReject,
		"seqlow": event.ReasonSeqTooLow, "resends": event.ReasonResends, "reset": event.ReasonResetRefused,
		"flapping": event.ReasonFlapping, "would-take": event.ReasonWouldTake}[word]
}

func ordStatus(word string) market.OrdStatus {
	for _, status := range []market.OrdStatus{'0', '1', '2', '3', '4', '6', '8', 'A', 'C'} {
		if status.String() == word {
			return status
		}
	}
	return 0
}

// TestScripts compares what the core does with what testdata says; read the files
// in review, they are the behaviour.
func TestScripts(t *testing.T) { runScripts(t, "testdata", 1, testConfig) }

// runScripts runs the scripts of a folder, of which there are so many at least, each with a
// configuration of its own.
func runScripts(t *testing.T, folder string, least int, cfg func() *Config) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil || len(files) < least {
		t.Fatalf("%d scripts in %s: %v", len(files), folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScriptOf(t, file, cfg()) })
	}
}

func runScript(t *testing.T, file string) { runScriptOf(t, file, testConfig()) }

func runScriptOf(t *testing.T, file string, cfg *Config) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScriptOf(t, cfg)
	lines := bufio.NewScanner(bytes.NewReader(want))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, " ") {
			continue
		}
		s.text = append(append(s.text, line...), '\n')
		if line != "" && line[0] != '#' {
			s.line(line)
		}
	}
	if *update {
		if err := os.WriteFile(file, s.text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(s.text, want) {
		t.Errorf("got:\n%s\nwant:\n%s", s.text, want)
	}
}
