package fixmd

import "penstock/fix"

// retriesMax bounds how often the pause before the next request doubles.
const retriesMax = 5

// subscribe asks for the snapshots that are wanted: at once after the first loss,
// then with growing pauses, and after a refusal too.
func (f *Feed) subscribe(now int64) {
	if !f.decoder.wanting {
		return
	}
	f.decoder.wanting = false
	for i := range f.decoder.books.all {
		b := &f.decoder.books.all[i]
		if b.refused {
			b.refused, b.running = false, false
			b.nextAsk = now + f.cfg.SnapshotNanos<<min(b.tries, retriesMax)
		}
		if !b.resync {
			continue
		}
		f.decoder.wanting = true
		switch {
		case now < b.nextAsk, f.cfg.Dialect.RequestGapNanos > 0 && now < f.nextSend:
			continue
		case !f.ask(now, b):
			return // the session takes no more now
		}
	}
}

// ask subscribes to a book under a new MDReqID(262), after it has unsubscribed
// from the one before.
func (f *Feed) ask(now int64, b *book) bool {
	if !f.session.CanSend() {
		return false
	}
	again := b.asked != 0
	if f.cfg.Dialect.Quotes {
		if !f.askQuotes(now, b) {
			return false
		}
	} else {
		if b.running {
			f.requestBoth(now, b, '2')
		}
		f.request++
		b.reqID = appendReqID(b.reqID[:0], b.index, f.request)
		f.requestBoth(now, b, '1')
	}
	b.asked, b.confirmed, b.running = now, false, true
	b.nextAsk = now + f.cfg.SnapshotNanos<<min(b.tries, retriesMax)
	b.tries++
	f.nextSend = now + f.cfg.Dialect.RequestGapNanos
	f.stats.Requests++
	if again {
		f.stats.Resyncs++
	}
	return true
}

// requestBoth sends MarketDataRequest(35=V) for the book and, where they are a
// subscription of their own, for the trades. kind is SubscriptionRequestType(263).
func (f *Feed) requestBoth(now int64, b *book, kind byte) {
	f.requestData(now, b, kind, reqBook)
	if f.cfg.Dialect.SeparateTrades {
		f.requestData(now, b, kind, reqTrades)
	}
}

func (f *Feed) requestData(now int64, b *book, kind, what byte) {
	w := f.session.Begin(now, fix.MsgMarketDataRequest)
	if w == nil {
		return
	}
	d := &f.cfg.Dialect
	var id [32]byte
	id[0] = what
	w.Bytes(fix.TagMDReqID, id[:1+copy(id[1:], b.reqID)])
	w.Char(fix.TagSubscriptionRequestType, kind)
	if d.Depth {
		w.Int(fix.TagMarketDepth, int64(f.cfg.Depth))
	}
	if d.UpdateType {
		w.Char(fix.TagMDUpdateType, '1')
	}
	if d.Aggregated != 0 {
		w.Char(fix.TagAggregatedBook, d.Aggregated)
	}
	if d.EntryTypes {
		types := "012"
		if d.SeparateTrades {
			types = map[byte]string{reqBook: "01", reqTrades: "2"}[what]
		}
		w.Int(fix.TagNoMDEntryTypes, int64(len(types)))
		for _, t := range []byte(types) {
			w.Char(fix.TagMDEntryType, t)
		}
	}
	w.Int(fix.TagNoRelatedSym, 1)
	w.Str(fix.TagSymbol, b.Text)
	f.note(f.session.Send())
}

// askQuotes sends QuoteRequest(35=R).
func (f *Feed) askQuotes(now int64, b *book) bool {
	w := f.session.Begin(now, fix.MsgQuoteRequest)
	if w == nil {
		return false
	}
	w.Str(fix.TagQuoteReqID, QuoteReqID(b.ID))
	w.Int(fix.TagNoRelatedSym, 1)
	w.Str(fix.TagSymbol, b.Text)
	f.note(f.session.Send())
	return true
}
