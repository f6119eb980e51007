package itch

import (
	"penstock/internal/warm"
	"penstock/market"
)

// Rewarm asks for what the next message of an instrument writes, so that an idle loop has it in the
// caches. It changes nothing.
func (d *Decoder) Rewarm(id market.InstrumentID) {
	warm.Span(&d.depth, &d.reason)
	warm.Func(d.sink)
	warm.Slice(d.stats.Types['A':'Y'])
	warm.Of(&d.stats.Events)
	warm.Of(&d.batch[0])
	if i := int(id) + 1; i < len(d.books) { // its own where the symbols come in the order of instruments
		b := &d.books[i]
		warm.Of(b)
		warm.Of(&d.byLocate[b.code])
		warm.Of(&d.lanes[b.code])
	}
}

// Rewarm is that of its decoder, for a loop; the feed's sockets are read in every turn.
func (f *Feed) Rewarm(_ uint64, id market.InstrumentID, _ market.Side) { f.decoder.Rewarm(id) }
