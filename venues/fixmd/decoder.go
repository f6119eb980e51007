package fixmd

import (
	"errors"
	"fmt"

	"penstock/event"
	"penstock/fix"
)

// Errors of Receive; test with errors.Is.
var (
	ErrNoRoom    = errors.New("the sink has no room: offer the message again")
	ErrMalformed = errors.New("malformed message")
	ErrAbsurd    = errors.New("impossible value")
	ErrUnknown   = errors.New("unknown message type")
	ErrRefused   = errors.New("the venue refused the subscription")
	ErrChecksum  = errors.New("checksum does not match the book")
	ErrGap       = errors.New("break in the venue's numbering")
)

// MessageError says what was wrong with a message that was not used.
type MessageError struct {
	Type   string // MsgType(35)
	Symbol string // "" when it is not known
	Tag    int    // the field at fault, 0 when it is none
	Offset int    // of its value in the message, bytes; -1 when it is missing
	Text   string // of the venue, or what would be right
	Err    error
}

func (e *MessageError) Error() string {
	s := "fixmd 35=" + e.Type
	if e.Symbol != "" {
		s += " " + e.Symbol
	}
	if e.Tag != 0 {
		s += fmt.Sprintf(" tag %d at byte %d", e.Tag, e.Offset)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s + ": " + e.Err.Error()
}

func (e *MessageError) Unwrap() error { return e.Err }

// Decoder turns the market data messages of one venue into events. Single owner;
// not safe for concurrent use.
type Decoder struct {
	outlet
	cfg     Config
	dialect *Dialect // of cfg
	reader  *QuoteReader
	orders  orderTable
	m       fix.Message // of Receive
	applied int64       // last sequence number given to Receive, 0: none
	head    head
	entries []entry
	fault   fault
	copied  *book // whose ladders the message changed last
	scratch []byte
	ack     []byte // QuoteID of the MassQuote that wants an answer
}

// NewDecoder returns a decoder whose books are all EMPTY.
func NewDecoder(c Config) (*Decoder, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("fixmd: %w", err)
	}
	d := &Decoder{cfg: c, outlet: outlet{venue: c.Venue, sink: c.Sink, stall: c.StallNanos}}
	d.dialect = &d.cfg.Dialect
	var err error
	if d.books, err = newBooks(&c); err != nil {
		return nil, fmt.Errorf("fixmd: %w", err)
	}
	if d.dialect.ByOrder() {
		d.orders = newOrderTable(c.Orders)
	}
	if d.dialect.Quotes {
		d.reader = NewQuoteReader(c.Venue, c.Symbols, d.dialect.EntryIDIsQuoteID, c.Bands)
	}
	d.m.Room(max(fix.MaxFields, (c.MaxFrame-fix.MaxFrame)/8))
	d.scratch = make([]byte, 0, 2*checksumDepth*2*20)
	return d, nil
}

// Receive takes one whole message of a recording, 8= to the SOH behind 10=, at now
// (ns since epoch). It follows the numbers of the channel, which in a running Feed
// the session does. Errors other than ErrNoRoom are *MessageError: the message was
// not used, and its books are STALE.
func (d *Decoder) Receive(now int64, msg []byte) error {
	if !d.Settle(now) {
		return ErrNoRoom
	}
	n, err, parsed := d.m.Next(msg, d.cfg.MaxFrame)
	if err == nil && (n == 0 || n != len(msg)) {
		err = &fix.FrameError{Offset: n, Reason: "one whole message expected"}
	}
	if err == nil {
		err = parsed
	}
	if err != nil {
		d.stats.Messages++
		d.stats.Malformed++
		d.loseAll(now, event.ReasonMalformed)
		return &MessageError{Type: "?", Text: err.Error(), Err: ErrMalformed}
	}
	if d.m.Flag(fix.TagPossDupFlag) {
		d.stats.Messages++
		d.stats.Duplicates++
		return nil
	}
	if !d.inOrder(now) {
		d.stats.Messages++
		return nil
	}
	return d.take(now, &d.m)
}

// inOrder compares the number of d.m with the one before it. false: it was there
// already.
func (d *Decoder) inOrder(now int64) bool {
	text, _ := d.m.Get(d.dialect.Applied)
	n, err := fix.ParseInt(text)
	if err != nil || n <= 0 {
		return true // heartbeats of some channels have none
	}
	last := d.applied
	restart := n == 1 && string(d.m.Type()) == fix.MsgLogon
	switch {
	case last == 0, n == last+1, restart:
	case n <= last:
		d.stats.Duplicates++
		return false
	default:
		d.stats.Gaps++
		d.loseAll(now, event.ReasonGap)
	}
	d.applied = n
	return true
}

// take decodes a message that is the next of its session. The caller has settled.
func (d *Decoder) take(now int64, m *fix.Message) (err error) {
	d.stats.Messages++
	d.ack = nil
	msgType := m.Type()
	kind := byte(0)
	if len(msgType) == 1 {
		kind = msgType[0]
	}
	switch kind {
	case 'X':
		err = d.incremental(now, m)
	case 'W':
		err = d.snapshot(now, m)
	case 'Y':
		err = d.rejected(m, fix.TagMDReqID)
	case 'S', 'i', 'Z':
		err = d.quote(now, m)
	case 'f':
		err = d.securityStatus(now, m)
	case 'h':
		err = d.sessionStatus(now, m)
	case '3', 'j':
		err = d.rejected(m, fix.TagBusinessRejectRefID)
	case '0', '1', '2', '4', '5', 'A', 'B': // session messages and news
		d.stats.Service++
	default:
		if string(msgType) == fix.MsgQuoteRequestReject {
			err = d.rejected(m, fix.TagQuoteReqID)
			break
		}
		d.stats.Unknown++
		err = &MessageError{Type: string(msgType), Err: ErrUnknown}
	}
	d.Settle(now)
	return err
}

// fault is why a message is refused.
type fault struct {
	tag   int
	value []byte // nil: missing
	text  string
	err   error
}

func (d *Decoder) bad(tag int, value []byte, err error, text string) error {
	d.fault = fault{tag, value, text, err}
	return err
}

// refuse gives a message up: nothing of it is told, and the books that it may have
// been about are out of use. own is the only one, if that is known; without own
// it is those that the entries name, when all entries could be read.
func (d *Decoder) refuse(now int64, m *fix.Message, own *book, scanned bool) error {
	f := &d.fault
	d.list, d.next, d.patient = d.list[:0], 0, false
	reason := event.ReasonMalformed
	switch f.err {
	case ErrAbsurd:
		reason = event.ReasonAbsurd
		d.stats.Absurd++
	case ErrChecksum:
		reason = event.ReasonChecksum
		d.stats.ChecksumBad++
	default:
		d.stats.Malformed++
	}
	e := &MessageError{Type: string(m.Type()), Tag: f.tag, Offset: -1, Text: f.text, Err: f.err}
	if f.value != nil {
		e.Offset = cap(m.Frame()) - cap(f.value)
	}
	switch {
	case own != nil:
		e.Symbol = own.Text
		d.lose(now, own, reason)
	case !scanned:
		d.loseAll(now, reason)
	default:
		for i := range d.entries {
			if b := d.books.find(d.entries[i].symbol); b != nil {
				e.Symbol = b.Text
				d.lose(now, b, reason)
			}
		}
		if e.Symbol == "" {
			d.loseAll(now, reason)
		}
	}
	return e
}

// rejected takes MarketDataRequestReject(35=Y), QuoteRequestReject(35=AG), or a
// reject of a request, by Reject(35=3) or BusinessMessageReject(35=j).
func (d *Decoder) rejected(m *fix.Message, idTag int) error {
	if of, ok := m.Get(fix.TagRefMsgType); ok && string(of) != fix.MsgMarketDataRequest &&
		string(of) != fix.MsgQuoteRequest {
		d.stats.Service++
		return nil
	}
	id, _ := m.Get(idTag)
	text, _ := m.Get(fix.TagText)
	e := &MessageError{Type: string(m.Type()), Text: string(text), Err: ErrRefused}
	if why, ok := m.Get(fix.TagMDReqRejReason); ok {
		e.Text = "MDReqRejReason(281)=" + string(why) + " " + e.Text
	}
	d.stats.Refused++
	b := d.books.requested(id)
	if b == nil && d.reader != nil {
		if i := d.reader.requested(id); i >= 0 {
			b = &d.books.all[i]
		}
	}
	if b == nil { // a session-level reject does not say which: all that wait
		for i := range d.books.all {
			w := &d.books.all[i]
			w.refused = w.refused || w.asked != 0 && !w.confirmed
		}
		return e
	}
	e.Symbol = b.Text
	switch {
	case id[0] == reqTrades: // the book does not depend on them
	case id[0] == 'Q', string(id[1:]) == string(b.reqID):
		b.refused = true
	default:
		d.stats.Old++
	}
	return e
}
