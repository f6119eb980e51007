package fixmd

import (
	"penstock/event"
	"penstock/fix"
)

// snapshot decodes W, which replaces the whole book. A venue may send it in
// fragments, of which the last says so.
func (d *Decoder) snapshot(now int64, m *fix.Message) error {
	scanErr := d.scan(m, d.dialect.FirstW)
	b, current := d.subscription()
	if !current {
		d.stats.Old++
		return nil
	}
	if text := d.snapshotSymbol(); b == nil && text != nil {
		if b = d.books.find(text); b == nil {
			d.stats.Ignored += uint64(len(d.entries))
			return nil
		}
	} else if b != nil && text != nil && string(text) != b.Text {
		d.bad(fix.TagSymbol, text, ErrAbsurd, "not the symbol of the subscription")
		return d.refuse(now, m, b, false)
	}
	if scanErr != nil || b == nil {
		if scanErr == nil {
			d.bad(fix.TagSymbol, nil, ErrMalformed, "no symbol")
		}
		return d.refuse(now, m, b, false)
	}
	if d.dialect.NoBook || len(d.head.reqID) > 0 && d.head.reqID[0] == reqTrades {
		d.stats.Statistics += uint64(len(d.entries))
		d.stats.Used++
		return nil
	}
	d.begin(now, d.head.sourceTime())
	d.patient, d.copied = true, nil
	if d.fill(now, b) != nil {
		return d.refuse(now, m, b, false)
	}
	d.stats.Used++
	d.finish(now)
	return nil
}

func (d *Decoder) snapshotSymbol() []byte {
	if d.head.symbol == nil && len(d.entries) > 0 {
		return d.entries[0].symbol
	}
	return d.head.symbol
}

// fill builds the book of a snapshot and, with its last fragment, makes it live.
func (d *Decoder) fill(now int64, b *book) error {
	if !b.partial {
		d.empty(b)
	}
	b.live = false
	for i := range d.entries {
		if err := d.fillEntry(b, i); err != nil {
			return err
		}
	}
	if b.partial = string(d.head.fragment) == "N"; b.partial {
		return nil
	}
	if b.seq, b.serial = 0, 0; d.head.last != nil {
		n, err := fix.ParseInt(d.head.last)
		if err != nil || n < 0 {
			return d.bad(d.dialect.SnapshotLast, d.head.last, ErrMalformed, "not a number of an update")
		}
		b.seq = uint64(n)
	} else if d.dialect.Numbered {
		return d.bad(d.dialect.SnapshotLast, nil, ErrMalformed, "no number of the snapshot")
	}
	if d.cfg.ownCopy() {
		if err := d.settleCopy(b, d.head.crc); err != nil {
			return err
		}
	}
	d.stats.Snapshots++
	return d.live(now, b)
}

// empty begins the book anew.
func (d *Decoder) empty(b *book) {
	b.ladders[0].rungs, b.ladders[1].rungs = b.ladders[0].rungs[:0], b.ladders[1].rungs[:0]
	if d.dialect.ByOrder() {
		d.orders.removeBook(b.index)
	}
	d.list = append(d.list, change{book: int32(b.index), kind: event.BookClear})
}

// fillEntry adds one entry of a snapshot. Trades in it were before the
// subscription: they are statistics.
func (d *Decoder) fillEntry(b *book, i int) error {
	e := &d.entries[i]
	if e.symbol != nil && string(e.symbol) != b.Text {
		return d.bad(fix.TagSymbol, e.symbol, ErrAbsurd, "another symbol within a snapshot")
	}
	if e.kind == '2' || statistic(e.kind) {
		return d.statistic(e)
	}
	u := update{}
	e.action = '0'
	if err := d.read(b, e, &u); err != nil {
		return err
	}
	if d.dialect.Key != KeyID && i > 0 {
		before := &d.entries[i-1]
		if before.kind == e.kind && string(before.price) == string(e.price) {
			return d.bad(fix.TagMDEntryPx, e.price, ErrAbsurd, "two entries at one price")
		}
	}
	if d.dialect.Key == KeyPosition {
		at := len(b.ladders[u.side.Index()].rungs) + 1
		if u.position != 0 && u.position != at {
			return d.bad(fix.TagMDEntryPositionNo, e.position, ErrAbsurd, "positions are not in order")
		}
		u.position = at
	}
	if u.qty == 0 && u.hasQty {
		return nil // shows nothing
	}
	return d.apply(b, &u)
}

// live ends a snapshot: what came before it and counts beyond it is applied, then
// the book is LIVE, or HALTED if the venue said so.
func (d *Decoder) live(now int64, b *book) error {
	b.live, b.resync, b.confirmed, b.tries = true, false, true, 0
	held := b.held
	b.held = b.held[:0]
	for i := range held {
		u := &held[i]
		if u.last <= b.seq && u.serial != b.serial {
			d.stats.Old++
			continue
		}
		if !d.follows(now, b, u) {
			return nil // a gap: the book is STALE again
		}
		if u.trade {
			if err := d.tradeReduces(b, u); err != nil {
				return err
			}
		} else if err := d.apply(b, u); err != nil {
			return err
		}
	}
	d.status(b, b.state())
	return nil
}

func (b *book) state() event.BookState {
	if b.stop != event.BookEmpty {
		return b.stop
	}
	return event.BookLive
}
