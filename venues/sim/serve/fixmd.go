package serve

import (
	"fmt"
	"slices"

	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// fixFeed is a FIX 4.4 market data acceptor: MarketDataRequest(35=V) is answered by
// a snapshot (35=W) and then by increments (35=X) of what changed within the depth
// asked for, with trades and RptSeq(83). One subscription a session at a time.
type fixFeed struct {
	entry   *orderEntry
	planned bool // a flush is scheduled
	now     []sim.Level

	refusals int // requests to be refused
	skip     int // increments whose RptSeq(83) leaves a number out
	lose     int // messages that get lost on the way
	repeat   int // messages that are sent a second time, with PossDupFlag(43)
	again    *fix.Writer

	banded bool // price limits are said with the trading status
	band   [2]market.Price
}

// fixPrices is one subscription.
type fixPrices struct {
	reqID  string
	depth  int // levels a side
	book   bool
	trades bool
	seq    uint64 // RptSeq(83) of the last entry
	sides  [2][]sim.Level
}

const (
	tagMDEntryTypeTrade = '2'
	allLevels           = 1 << 30
	haltedStatus        = 2 // SecurityTradingStatus(326)
	crossStatus         = 24
	resumedStatus       = 3
)

// Reasons in MDReqRejReason(281).
const (
	mdUnknownSymbol    = '0'
	mdDuplicateID      = '1'
	mdNoPermission     = '3'
	mdUnsupportedType  = '4'
	mdUnsupportedDepth = '5'
)

func newFIXFeed(s *Server) (*fixFeed, error) {
	f := &fixFeed{again: fix.NewWriter("FIX.4.4")}
	var err error
	f.entry, err = newAcceptor(&orderEntry{server: s, prices: true}, s.cfg.FeedAddr, "-MD", s.cfg.Clients, f.onMessage)
	return f, err
}

func (f *fixFeed) serve() { f.entry.serve() }

func (f *fixFeed) close(now int64) error { return f.entry.close(now) }

// onMessage takes an application message of a client.
func (f *fixFeed) onMessage(c *client, m *fix.Message, now int64) bool {
	if string(m.Type()) != fix.MsgMarketDataRequest {
		if string(m.Type()) != fix.MsgReject {
			c.session.BusinessReject(now, m, nil, unsupportedMessageType, "market data only")
		}
		return true
	}
	p, kind, refusal := f.request(c, m)
	if p == nil {
		c.session.Reject(now, m, m.Bad(fix.TagMDReqID, fix.RejectMissingTag))
		return true
	}
	c.arrive(now, func(at int64) {
		switch {
		case c.out == nil:
		case kind == '2':
			if c.prices != nil && c.prices.reqID == p.reqID {
				c.prices = nil
			}
		case refusal != 0:
			c.leave(at, false, func(at int64) { f.refuse(at, c, p.reqID, refusal) })
		default:
			f.flush(at, c) // the one before hears what is pending
			c.prices = p
			f.snapshot(at, c, kind == '1')
		}
	})
	return true
}

// request reads V; p is nil when it has no MDReqID(262).
func (f *fixFeed) request(c *client, m *fix.Message) (p *fixPrices, kind, refusal byte) {
	p = &fixPrices{depth: allLevels}
	symbols := 0
	for i, n := 3, m.Len()-1; i < n; i++ {
		switch tag, v := m.Field(i); tag {
		case fix.TagMDReqID:
			p.reqID = string(v)
		case fix.TagSubscriptionRequestType:
			kind = v[0]
		case fix.TagMarketDepth:
			depth, err := fix.ParseInt(v)
			if err != nil || depth < 0 {
				refusal = mdUnsupportedDepth
			} else if depth > 0 {
				p.depth = int(depth)
			}
		case fix.TagMDEntryType:
			p.book = p.book || v[0] == '0' || v[0] == '1'
			p.trades = p.trades || v[0] == tagMDEntryTypeTrade
		case fix.TagSymbol:
			symbols++
			if string(v) != f.entry.server.cfg.Symbol {
				refusal = mdUnknownSymbol
			}
		}
	}
	switch {
	case p.reqID == "":
		return nil, 0, 0
	case symbols != 1:
		refusal = mdUnknownSymbol
	case kind < '0' || kind > '2':
		refusal = mdUnsupportedType
	case kind == '1' && c.prices != nil && c.prices.reqID == p.reqID:
		refusal = mdDuplicateID
	case f.refusals > 0 && kind != '2':
		f.refusals--
		refusal = mdNoPermission
	}
	return p, kind, refusal
}

// refuse writes MarketDataRequestReject(35=Y).
func (f *fixFeed) refuse(now int64, c *client, reqID string, reason byte) {
	w := c.session.Begin(now, fix.MsgMarketDataReject)
	w.Str(fix.TagMDReqID, reqID)
	w.Char(fix.TagMDReqRejReason, reason)
	w.Str(fix.TagText, fmt.Sprintf("refused for reason %c", reason))
	c.session.Send()
}

// snapshot sends W; what the subscriber has is the book as it is now.
func (f *fixFeed) snapshot(now int64, c *client, stay bool) {
	s, p := f.entry.server, c.prices
	p.seq = uint64(now)%1000 + 1 // numbers go on from somewhere
	reqID, seq := p.reqID, p.seq
	var kept [2][]sim.Level
	for i, side := range [2]market.Side{market.Buy, market.Sell} {
		p.sides[i] = s.exchange.Depth(nil, side, p.depth)
		kept[i] = slices.Clone(p.sides[i])
	}
	if !stay {
		c.prices = nil
	}
	f.send(now, c, func(at int64) {
		w := c.session.Begin(at, fix.MsgMarketDataSnapshot)
		w.Uint(fix.TagRptSeq, seq)
		w.Str(fix.TagMDReqID, reqID)
		w.Str(fix.TagSymbol, s.cfg.Symbol)
		w.Int(fix.TagNoMDEntries, int64(len(kept[0])+len(kept[1])))
		for i := range kept {
			for _, l := range kept[i] {
				w.Char(fix.TagMDEntryType, byte('0'+i))
				w.Decimal(fix.TagMDEntryPx, int64(l.Price), s.in.PriceDecimals)
				w.Decimal(fix.TagMDEntrySize, int64(l.Qty), s.in.QtyDecimals)
			}
		}
	})
	if s.exchange.Halted() || f.banded {
		f.send(now, c, func(at int64) { f.writeStatus(at, c, s.exchange.Halted()) })
	}
}

// send lets a message leave after the venue's latency, with the faults ordered.
func (f *fixFeed) send(now int64, c *client, write func(at int64)) {
	c.leave(now, false, func(at int64) {
		if c.out == nil || c.session.State() != fix.Active {
			return
		}
		c.flush()
		write(at)
		if c.session.Send() != nil {
			return
		}
		switch frame := c.session.Out(); {
		case f.lose > 0:
			f.lose--
			c.session.Wrote(len(frame))
		case f.repeat > 0:
			f.repeat--
			c.out.write(frame)
			c.out.write(f.duplicate(frame))
			c.session.Wrote(len(frame))
		}
	})
}

// duplicate makes the second copy of a message.
func (f *fixFeed) duplicate(frame []byte) []byte {
	var m fix.Message
	if m.Parse(frame) != nil {
		return nil
	}
	w := f.again
	w.Reset()
	w.Begin(string(m.Type()))
	for i, n := 3, m.Len()-1; i < n; i++ {
		tag, v := m.Field(i)
		w.Bytes(tag, v)
		if tag == fix.TagSendingTime {
			w.Bytes(fix.TagOrigSendingTime, v)
			w.Char(fix.TagPossDupFlag, 'Y')
		}
	}
	out, _ := w.Finish()
	return out
}

func (f *fixFeed) change(c *sim.BookChange) {
	if f.planned {
		return
	}
	f.planned = true
	f.entry.server.market.after(c.Time, false, func(now int64) {
		f.planned = false
		for _, c := range f.entry.clients {
			f.flush(now, c)
		}
	})
}

// increment is an entry of X.
type increment struct {
	action byte
	side   int
	level  sim.Level
}

// flush sends what changed within the depth of a subscription, levels that left it
// included.
func (f *fixFeed) flush(now int64, c *client) {
	p, s := c.prices, f.entry.server
	if p == nil || !p.book {
		return
	}
	var list []increment
	for i, side := range [2]market.Side{market.Buy, market.Sell} {
		f.now = s.exchange.Depth(f.now[:0], side, p.depth)
		for _, l := range levelChanges(p.sides[i], f.now, side, allLevels) {
			action := byte('0')
			if slices.ContainsFunc(p.sides[i], func(was sim.Level) bool { return was.Price == l.Price }) {
				action = '1'
			}
			if l.Qty == 0 {
				action = '2'
			}
			list = append(list, increment{action, i, l})
		}
		p.sides[i], f.now = f.now, p.sides[i]
	}
	if len(list) == 0 {
		return
	}
	if f.skip > 0 {
		f.skip--
		p.seq++
	}
	first, reqID := p.seq+1, p.reqID
	p.seq += uint64(len(list))
	f.send(now, c, func(at int64) {
		w := c.session.Begin(at, fix.MsgMarketDataIncremental)
		w.Str(fix.TagMDReqID, reqID)
		w.Int(fix.TagNoMDEntries, int64(len(list)))
		for i, l := range list {
			w.Char(fix.TagMDUpdateAction, l.action)
			w.Uint(fix.TagRptSeq, first+uint64(i))
			w.Char(fix.TagMDEntryType, byte('0'+l.side))
			if i == 0 {
				w.Str(fix.TagSymbol, s.cfg.Symbol) // the others inherit it
			}
			w.Decimal(fix.TagMDEntryPx, int64(l.level.Price), s.in.PriceDecimals)
			if l.action != '2' {
				w.Decimal(fix.TagMDEntrySize, int64(l.level.Qty), s.in.QtyDecimals)
			}
		}
	})
}

func (f *fixFeed) trade(t *sim.Trade) {
	s, kept := f.entry.server, *t
	for _, c := range f.entry.clients {
		if c.prices == nil || !c.prices.trades {
			continue
		}
		f.flush(t.Time, c) // numbers leave in order
		c.prices.seq++
		reqID, seq := c.prices.reqID, c.prices.seq
		f.send(t.Time, c, func(at int64) {
			w := c.session.Begin(at, fix.MsgMarketDataIncremental)
			w.Str(fix.TagMDReqID, reqID)
			w.Int(fix.TagNoMDEntries, 1)
			w.Char(fix.TagMDUpdateAction, '0')
			w.Uint(fix.TagRptSeq, seq)
			w.Char(fix.TagMDEntryType, tagMDEntryTypeTrade)
			w.Str(fix.TagSymbol, s.cfg.Symbol)
			w.Decimal(fix.TagMDEntryPx, int64(kept.Price), s.in.PriceDecimals)
			w.Decimal(fix.TagMDEntrySize, int64(kept.Qty), s.in.QtyDecimals)
			w.Char(fix.TagAggressorSide, byte(kept.Aggressor))
		})
	}
}

// halt tells the subscribers, behind what changed before.
func (f *fixFeed) halt(now int64, halted bool) {
	for _, c := range f.entry.clients {
		if c.prices != nil {
			f.flush(now, c)
			f.send(now, c, func(at int64) { f.writeStatus(at, c, halted) })
		}
	}
}

// writeStatus begins SecurityStatus(35=f); the caller sends it.
func (f *fixFeed) writeStatus(now int64, c *client, halted bool) {
	w := c.session.Begin(now, fix.MsgSecurityStatus)
	s := f.entry.server
	w.Str(fix.TagSymbol, s.cfg.Symbol)
	status := int64(resumedStatus)
	switch {
	case s.exchange.InAuction():
		status = crossStatus
	case halted:
		status = haltedStatus
	}
	w.Int(fix.TagSecurityTradingStatus, status)
	if f.banded {
		w.Decimal(fix.TagLowLimitPrice, int64(f.band[0]), s.in.PriceDecimals)
		w.Decimal(fix.TagHighLimitPrice, int64(f.band[1]), s.in.PriceDecimals)
	}
}
