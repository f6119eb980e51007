package fix

import "fmt"

// Template writes one kind of order message fast. Everything that does not change
// from message to message is rendered once; SendTemplate patches numbers, ids and
// times into it, copies it in one piece and appends the quantities:
//
//	8=…|9=nnn|35=D|34=seq|49=…|52=time|56=…|11=id|41=id|static|60=time|38= 44= 110= 117=|10=
//	└────────────────────── rendered, patched in place ───────────────┘└── written anew ──┘
//
// BodyLength and CheckSum are added up from the parts. The bytes equal those of
// Write, its slow twin. Single owner, like the session it was made for.
type Template struct {
	spec  TemplateSpec
	cfg   *Config
	buf   []byte // from BeginString to the last fixed field; slots patched
	sum   uint32 // of buf with its slots and BodyLength at zero
	lenAt int    // of the three digits of BodyLength
	body  int    // bytes of buf that BodyLength counts

	seqAt, seqLen    int
	idAt, origAt     int // origAt 0: none
	idLen            int
	linkAt           int    // of the number of LinkTag, 0: none
	sentAt, transact int    // transact 0: no TransactTime
	milli            int64  // ms since the epoch that the times show
	timeSum          uint32 // of the bytes of all times
	id, orig, link   idSlot
}

// TemplateSpec says what a Template writes.
type TemplateSpec struct {
	MsgType       string
	OrigID        bool     // with OrigClOrdID(41)
	LinkTag       int      // tag of Values.Link, such as SecondaryClOrdID(526); 0: none
	Static        []Static // fields that never change, in order
	TransactTime  bool     // with TransactTime(60), the time of sending
	PriceDecimals uint8
	QtyDecimals   uint8
	IDs           IDFormat
}

// Static is a field with a constant value.
type Static struct {
	Tag   int
	Value string
}

// Values are the fields of one message; a zero field is left out.
type Values struct {
	ID      uint64 // ClOrdID(11)
	OrigID  uint64 // OrigClOrdID(41), if the template has it
	Link    uint64 // what LinkTag says, if the template has it: the order that this one is part of
	Qty     int64  // OrderQty(38), in 10^-QtyDecimals, not negative
	Price   int64  // Price(44), in 10^-PriceDecimals, not negative
	MinQty  int64  // MinQty(110), not negative
	QuoteID []byte // QuoteID(117), at most 20 bytes
}

// maxTail is the room for the fields that follow the rendered part, and trailer.
const (
	maxQuoteID = 20
	maxTail    = 3*(len("110=")+21) + len("117=") + maxQuoteID + 1 + trailerLen
)

// NewTemplate returns a template for messages of s.
func (s *Session) NewTemplate(spec TemplateSpec) (*Template, error) {
	t := &Template{spec: spec, cfg: &s.cfg, milli: -1}
	for _, f := range spec.Static {
		if f.Value == "" || indexSOH([]byte(f.Value), 0) < len(f.Value) || f.Tag < 1 {
			return nil, fmt.Errorf("template of %s: tag %d: %w", spec.MsgType, f.Tag, ErrValue)
		}
	}
	t.render(digits(s.nextOut))
	return t, nil
}

// render builds buf for sequence numbers of seqLen digits, with zero bytes in the
// slots.
func (t *Template) render(seqLen int) {
	slot := func(n int) (at int) {
		at = len(t.buf)
		t.buf = append(append(t.buf, make([]byte, n)...), SOH)
		return at
	}
	text := func(s string) { t.buf = append(t.buf, s...) }
	t.buf = t.buf[:0]
	text("8=" + t.cfg.BeginString + "\x019=")
	t.lenAt = slot(bodyDigits)
	start := len(t.buf)
	text("35=" + t.spec.MsgType + "\x0134=")
	t.seqLen, t.seqAt = seqLen, slot(seqLen)
	text("49=" + t.cfg.SenderCompID + "\x0152=")
	t.sentAt = slot(stampLen)
	text("56=" + t.cfg.TargetCompID + "\x01")
	for _, f := range t.cfg.Header {
		text(fmt.Sprintf("%d=%s\x01", f.Tag, f.Value))
	}
	text("11=")
	t.idLen = t.spec.IDs.length()
	t.idAt = slot(t.idLen)
	if t.spec.OrigID {
		text("41=")
		t.origAt = slot(t.idLen)
	}
	if t.spec.LinkTag != 0 {
		text(fmt.Sprintf("%d=", t.spec.LinkTag))
		t.linkAt = slot(t.idLen)
	}
	for _, f := range t.spec.Static {
		text(fmt.Sprintf("%d=%s\x01", f.Tag, f.Value))
	}
	if t.spec.TransactTime {
		text("60=")
		t.transact = slot(stampLen)
	}
	t.body = len(t.buf) - start
	t.sum = 0
	for _, c := range t.buf {
		t.sum += uint32(c)
	}
	t.milli = -1
	t.id, t.orig, t.link = idSlot{}, idSlot{}, idSlot{}
}

// fits reports whether v can be patched in and BodyLength has three digits; Write
// handles the others.
func (t *Template) fits(v *Values) bool {
	return t.body >= 100 && t.body+maxTail <= 999 && t.spec.IDs.fits(v.ID) &&
		(!t.spec.OrigID || t.spec.IDs.fits(v.OrigID)) &&
		(t.spec.LinkTag == 0 || t.spec.IDs.fits(v.Link)) &&
		v.Qty >= 0 && v.Price >= 0 && v.MinQty >= 0 && len(v.QuoteID) <= maxQuoteID
}

// SendTemplate sends a message; the session must be able to (CanSend).
func (s *Session) SendTemplate(t *Template, now int64, v *Values) error {
	if !s.CanSend() {
		return ErrNotLoggedOn
	}
	if s.cfg.Role == Acceptor || !t.fits(v) || indexSOH(v.QuoteID, 0) < len(v.QuoteID) {
		s.begin(now, t.spec.MsgType)
		t.Write(&s.w, now, v)
		return s.Send()
	}
	s.w.buf = t.append(s.w.buf, s.nextOut, now, &s.w.stamp, v)
	s.nextOut++
	s.sentAt(now)
	return nil
}

// Write appends the fields after the header with w, one by one.
func (t *Template) Write(w *Writer, now int64, v *Values) {
	w.Bytes(TagClOrdID, t.spec.IDs.Append(nil, v.ID))
	if t.spec.OrigID {
		w.Bytes(TagOrigClOrdID, t.spec.IDs.Append(nil, v.OrigID))
	}
	if t.spec.LinkTag != 0 && v.Link != 0 {
		w.Bytes(t.spec.LinkTag, t.spec.IDs.Append(nil, v.Link))
	}
	for _, f := range t.spec.Static {
		w.Str(f.Tag, f.Value)
	}
	if t.spec.TransactTime {
		w.Time(TagTransactTime, now)
	}
	if v.Qty != 0 {
		w.Decimal(TagOrderQty, v.Qty, t.spec.QtyDecimals)
	}
	if v.Price != 0 {
		w.Decimal(TagPrice, v.Price, t.spec.PriceDecimals)
	}
	if v.MinQty != 0 {
		w.Decimal(TagMinQty, v.MinQty, t.spec.QtyDecimals)
	}
	if len(v.QuoteID) > 0 {
		w.Bytes(TagQuoteID, v.QuoteID)
	}
}

// append patches and copies; v fits.
func (t *Template) append(dst []byte, seq uint64, now int64, stamp *Stamp, v *Values) []byte {
	if n := digits(seq); n != t.seqLen {
		t.render(n)
	}
	if milli := now / 1_000_000; milli != t.milli {
		t.milli = milli
		t.patchTimes(now, stamp)
	}
	sum := t.sum + t.timeSum
	sum += putDigits(t.buf[t.seqAt:t.seqAt+t.seqLen], seq)
	sum += t.id.patch(t.buf[t.idAt:t.idAt+t.idLen], v.ID, t.spec.IDs)
	if t.spec.OrigID {
		sum += t.orig.patch(t.buf[t.origAt:t.origAt+t.idLen], v.OrigID, t.spec.IDs)
	}
	if t.spec.LinkTag != 0 {
		sum += t.link.patch(t.buf[t.linkAt:t.linkAt+t.idLen], v.Link, t.spec.IDs)
	}
	var tail [maxTail]byte
	n, tailSum := t.tail(&tail, v)
	sum += tailSum
	sum += putDigits(t.buf[t.lenAt:t.lenAt+bodyDigits], uint64(t.body+n))
	copy(tail[n:], "10=")
	putDigits(tail[n+3:n+6], uint64(sum&0xff))
	tail[n+6] = SOH
	dst = append(dst, t.buf...)
	return append(dst, tail[:n+trailerLen]...)
}

func (t *Template) patchTimes(now int64, stamp *Stamp) {
	stamp.set(now)
	copy(t.buf[t.sentAt:], stamp.text[:])
	t.timeSum = stamp.sum
	if t.transact != 0 {
		copy(t.buf[t.transact:], stamp.text[:])
		t.timeSum += stamp.sum
	}
}

// idSlot remembers what an id slot shows: order numbers grow, so mostly only the
// last three digits change.
type idSlot struct {
	high uint64 // id / 1000, plus 1: 0 is nothing
	sum  uint32 // of the bytes before the last three
}

func (s *idSlot) patch(b []byte, id uint64, format IDFormat) (sum uint32) {
	if format != IDDecimal {
		return format.put(b, id)
	}
	high := id / 1000
	last := len(b) - 3
	if high+1 != s.high {
		s.high = high + 1
		s.sum = putDigits(b[:last], high)
	}
	return s.sum + putDigits(b[last:], id-high*1000)
}

// tail writes the fields that vary in width.
func (t *Template) tail(b *[maxTail]byte, v *Values) (n int, sum uint32) {
	if v.Qty != 0 {
		n, sum = putField(b[:], 0, "38=", uint64(v.Qty), t.spec.QtyDecimals)
	}
	if v.Price != 0 {
		var s uint32
		n, s = putField(b[:], n, "44=", uint64(v.Price), t.spec.PriceDecimals)
		sum += s
	}
	if v.MinQty != 0 {
		var s uint32
		n, s = putField(b[:], n, "110=", uint64(v.MinQty), t.spec.QtyDecimals)
		sum += s
	}
	if len(v.QuoteID) > 0 {
		from := n
		n += copy(b[n:], "117=")
		n += copy(b[n:], v.QuoteID)
		b[n] = SOH
		n++
		for _, c := range b[from:n] {
			sum += uint32(c)
		}
	}
	return n, sum
}

// putField writes a decimal field without trailing zeros at offset at. The digits
// are made once, and the point is put between them.
func putField(b []byte, at int, tag string, v uint64, decimals uint8) (n int, sum uint32) {
	n = at + copy(b[at:], tag)
	for _, c := range []byte(tag) {
		sum += uint32(c)
	}
	var d [20]byte
	w := max(digits(v), int(decimals)+1)
	sum += putDigits(d[:w], v)
	part := int(decimals)
	for part > 0 && d[w-1] == '0' {
		w--
		part--
		sum -= '0'
	}
	for _, c := range d[:w-part] {
		b[n] = c
		n++
	}
	if part > 0 {
		b[n] = '.'
		sum += '.'
		n++
		for _, c := range d[w-part : w] {
			b[n] = c
			n++
		}
	}
	b[n] = SOH
	return n + 1, sum + SOH
}
