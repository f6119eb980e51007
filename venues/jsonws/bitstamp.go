package jsonws

import (
	"bytes"
	"fmt"
	"strings"

	"penstock/event"
	"penstock/market"
)

// Bitstamp decodes the WebSocket v2 feed of Bitstamp: channels diff_order_book or
// order_book, and live_trades. Symbols are the lower case pair of the channel's
// name, ethusd.
//
// A book of differences begins with an answer of GET /api/v2/order_book/{pair}/,
// see TakeSnapshot. Differences have no numbers: the venue promises delivery, and
// TCP keeps the order. Their times may not go backwards.
type Bitstamp struct {
	outlet
	general  general
	whole    bool // channel order_book: each message is a snapshot of the best 100 levels
	buffered int
	syncs    []bitstampSync // by index of books.all
	unproven bool           // some sync may want to know the venue's time
	tails    tails
	in       bitstampBook
}

// bitstampBook is one message of a book channel.
type bitstampBook struct {
	book   *book
	time   int64 // microtimestamp, µs since epoch
	levels []change
}

// NewBitstamp returns a decoder that keeps whole books from differences and HTTP
// snapshots.
func NewBitstamp(c Config) (*Bitstamp, error) {
	o, err := newOutlet(c)
	if err != nil {
		return nil, fmt.Errorf("bitstamp: %w", err)
	}
	if err := noContracts("bitstamp", &o); err != nil {
		return nil, err
	}
	for i := range o.books.all {
		if b := &o.books.all[i]; b.Text != strings.ToLower(b.Text) {
			return nil, fmt.Errorf("bitstamp: symbol %s: must be lower case", b.Text)
		}
	}
	return &Bitstamp{outlet: o, buffered: DefaultBuffered, unproven: true, tails: tails{back: len(bitstampTail) + tailMark},
		syncs: make([]bitstampSync, len(o.books.all))}, nil
}

// NewBitstampTop returns a decoder of channel order_book, which sends the best
// hundred levels again and again and needs no HTTP.
func NewBitstampTop(c Config) (*Bitstamp, error) {
	s, err := NewBitstamp(c)
	if err == nil {
		s.whole = true
	}
	return s, err
}

const (
	bitstampDiff   = "diff_order_book_"
	bitstampTop    = "order_book_"
	bitstampTrades = "live_trades_"
)

func (t *Bitstamp) channel() string {
	if t.whole {
		return bitstampTop
	}
	return bitstampDiff
}

// request subscribes to the book channel and live_trades. A snapshot is asked for
// over HTTP; channel order_book brings one with the next message.
func (t *Bitstamp) request(dst []byte, b *book) []byte {
	if b != nil {
		return dst
	}
	for i := range t.books.all {
		for _, channel := range [2]string{t.channel(), bitstampTrades} {
			dst = append(dst, `{"event":"bts:subscribe","data":{"channel":"`...)
			dst = append(append(dst, channel...), t.books.all[i].Text...)
			dst = append(dst, "\"}}\n"...)
		}
	}
	return dst[:len(dst)-1]
}

// ping asks for a sign of life, which keeps the connection open.
func (t *Bitstamp) ping(dst []byte) []byte { return append(dst, `{"event":"bts:heartbeat"}`...) }

// pingNanos is how often.
func (t *Bitstamp) pingNanos() int64 { return 10_000_000_000 }

// Receive takes one message; see Kraken.Receive for its errors. The venue may ask
// for a reconnect, which is ErrRefused.
func (t *Bitstamp) Receive(now int64, msg []byte) error {
	if !t.Settle(now) {
		return ErrNoRoom
	}
	t.stats.Messages++
	if t.scan(msg) {
		t.stats.Scanned++
		return t.apply(now, msg)
	}
	return t.receiveGeneral(now, msg)
}

const bitstampTail = `","event":"data"}`

// scan reads a message of a book channel into t.in. The channel, on which the
// scale of the numbers depends, comes last and is looked at first.
func (t *Bitstamp) scan(msg []byte) bool {
	in := &t.in
	end := 0
	if h := t.tails.of(msg); h != nil {
		in.book, end = h.book, len(msg)-len(h.text)
	} else if end = t.scanTail(msg); end < 0 {
		return false
	}
	in.levels = in.levels[:0]
	s := scanner{b: msg}
	if !s.literal(`{"data":{"timestamp":"`) {
		return false
	}
	if _, ok := s.integer(); !ok || !s.literal(`","microtimestamp":"`) {
		return false
	}
	micros, ok := s.integer()
	if !ok || micros > microsMax || !s.literal(`","bids":[`) {
		return false
	}
	in.time = int64(micros)
	if !s.levelsOf(&in.levels, market.Buy, in.book) || !s.literal(`,"asks":[`) {
		return false
	}
	ok = s.levelsOf(&in.levels, market.Sell, in.book)
	return ok && s.i == end
}

// scanTail finds the book of a message by its end, and where that begins; it is
// negative when it is none of a book channel.
func (t *Bitstamp) scanTail(msg []byte) int {
	if !bytes.HasSuffix(msg, []byte(bitstampTail)) {
		return -1
	}
	end := len(msg) - len(bitstampTail)
	start := bytes.LastIndexByte(msg[:end], '"') + 1
	pair, ok := bytes.CutPrefix(msg[start:end], []byte(t.channel()))
	if !ok {
		return -1
	}
	const before = `},"channel":"`
	if t.in.book = t.books.find(pair); t.in.book == nil || !bytes.HasSuffix(msg[:start], []byte(before)) {
		return -1
	}
	t.tails.learn(msg, start-len(before), t.in.book)
	return start - len(before)
}

// apply takes a message of the book channel that was read whole.
func (t *Bitstamp) apply(now int64, msg []byte) error {
	in, b := &t.in, t.in.book
	b.heard = now
	if t.whole {
		b.srcTime = in.time * 1000
		t.begin(now, b)
		t.clear(in.levels)
		t.status(event.BookLive)
		b.live, b.resync = true, false
		t.stats.Snapshots++
		t.stats.Used++
		t.tell(now)
		return nil
	}
	return t.difference(now, b, msg)
}
