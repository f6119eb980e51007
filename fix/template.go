package fix

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"
)

// Template writes one kind of order message fast. Everything that does not change
// from message to message is rendered once; SendTemplate patches numbers, ids and
// times into it, copies it in one piece and appends the quantities:
//
//	8=…|9=nnn|35=D|34=seq|49=…|52=time|56=…|11=id|41=id|static|60=time|38= 44= 110= 111= 117=|10=
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

	plain            bool // BodyLength has three digits whatever the values
	seqAt, seqLen    int
	seq              uint64 // that the slot shows
	seqSum           uint32
	idAt, origAt     int // origAt 0: none
	idLen            int
	linkAt           int    // of the number of LinkTag, 0: none
	sentAt, transact int    // transact 0: no TransactTime
	from             int64  // ns since the epoch of the millisecond that the times show
	sec              int64  // as Stamp.sec, of the second that they show
	timeSum          uint32 // of the bytes of all times
	quoted, show     tailField
	tailLen          int // for which BodyLength stands
	lenSum           uint32
	id, orig, link   idSlot
}

// TemplateSpec says what a Template writes.
type TemplateSpec struct {
	MsgType       string
	OrigID        bool     // with OrigClOrdID(41)
	QuoteTag      int      // tag of Values.QuoteID; 0: QuoteID(117)
	ShowTag       int      // tag of Values.Show, MaxFloor(111) or DisplayQty(1138); 0: it is not said
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
	Show    int64  // what ShowTag says, not negative
	QuoteID []byte // QuoteID(117) or what QuoteTag says, at most 20 bytes
}

// maxTail is the room for the fields that follow the rendered part, and trailer.
const (
	maxQuoteID = 20
	maxTail    = 3*(len("110=")+decimalRoom) + len("1138=") + decimalRoom + len("99999=") + maxQuoteID + 1 + trailerLen + 1
)

// NewTemplate returns a template for messages of s.
func (s *Session) NewTemplate(spec TemplateSpec) (*Template, error) {
	t := &Template{spec: spec, cfg: &s.cfg}
	for _, f := range spec.Static {
		if f.Value == "" || indexSOH([]byte(f.Value), 0) < len(f.Value) || f.Tag < 1 {
			return nil, fmt.Errorf("template of %s: tag %d: %w", spec.MsgType, f.Tag, ErrValue)
		}
	}
	if t.quoted = tailQuoted; spec.QuoteTag != 0 {
		t.quoted = newTailField(fmt.Sprintf("%d=", spec.QuoteTag))
	}
	if spec.ShowTag != 0 {
		t.show = newTailField(fmt.Sprintf("%d=", spec.ShowTag))
	}
	if t.show.len > uint(len("1138=")) {
		return nil, fmt.Errorf("template of %s: tag %d: %w", spec.MsgType, spec.ShowTag, ErrValue)
	}
	if t.quoted.len > 6 {
		return nil, fmt.Errorf("template of %s: tag %d: %w", spec.MsgType, spec.QuoteTag, ErrValue)
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
	t.plain = t.body >= 100 && t.body+maxTail <= 999
	t.seq, t.seqSum = 0, 0
	t.from, t.sec, t.timeSum = -1<<62, 0, 0
	t.tailLen, t.lenSum = -1, 0
	t.id, t.orig, t.link = idSlot{}, idSlot{}, idSlot{}
}

// fits reports whether v can be patched in and BodyLength has three digits; Write
// handles the others.
func (t *Template) fits(v *Values) bool {
	return t.plain && t.spec.IDs.fits(v.ID) &&
		(!t.spec.OrigID || t.spec.IDs.fits(v.OrigID)) &&
		(t.spec.LinkTag == 0 || t.spec.IDs.fits(v.Link)) &&
		v.Qty >= 0 && v.Price >= 0 && v.MinQty >= 0 && v.Show >= 0 && len(v.QuoteID) <= maxQuoteID
}

// SendTemplate sends a message; the session must be able to (CanSend).
func (s *Session) SendTemplate(t *Template, now int64, v *Values) error {
	if !s.CanSend() {
		return ErrNotLoggedOn
	}
	if s.cfg.Role == Acceptor || !t.fits(v) || len(v.QuoteID) > 0 && indexSOH(v.QuoteID, 0) < len(v.QuoteID) {
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
	var id [len(uuidText)]byte
	w.Bytes(TagClOrdID, t.spec.IDs.Append(id[:0], v.ID))
	if t.spec.OrigID {
		w.Bytes(TagOrigClOrdID, t.spec.IDs.Append(id[:0], v.OrigID))
	}
	if t.spec.LinkTag != 0 && v.Link != 0 {
		w.Bytes(t.spec.LinkTag, t.spec.IDs.Append(id[:0], v.Link))
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
	if v.Show != 0 && t.spec.ShowTag != 0 {
		w.Decimal(t.spec.ShowTag, v.Show, t.spec.QtyDecimals)
	}
	if len(v.QuoteID) > 0 {
		tag := TagQuoteID
		if t.spec.QuoteTag != 0 {
			tag = t.spec.QuoteTag
		}
		w.Bytes(tag, v.QuoteID)
	}
}

// append patches and copies; v fits.
func (t *Template) append(dst []byte, seq uint64, now int64, stamp *Stamp, v *Values) []byte {
	if seq != t.seq {
		t.patchSeq(seq)
	}
	if uint64(now-t.from) >= 1_000_000 {
		t.patchTimes(now, stamp)
	}
	sum := t.sum + t.timeSum + t.seqSum
	sum += t.id.patch(t.buf[t.idAt:t.idAt+t.idLen], v.ID, t.spec.IDs)
	if t.spec.OrigID {
		sum += t.orig.patch(t.buf[t.origAt:t.origAt+t.idLen], v.OrigID, t.spec.IDs)
	}
	if t.spec.LinkTag != 0 {
		sum += t.link.patch(t.buf[t.linkAt:t.linkAt+t.idLen], v.Link, t.spec.IDs)
	}
	start, fixed := len(dst), len(t.buf)
	if cap(dst)-start < fixed+maxTail {
		dst = slices.Grow(dst, fixed+maxTail)
	}
	dst = dst[:start+fixed+maxTail]
	tail := unsafe.Pointer(&dst[start+fixed])
	n, tailSum := t.tail(tail, v)
	if n != t.tailLen {
		t.tailLen, t.lenSum = n, putDigits(t.buf[t.lenAt:t.lenAt+bodyDigits], uint64(t.body+n))
	}
	copy(dst[start:], t.buf)
	store64(tail, uint(n), trailers[byte(sum+tailSum+t.lenSum)])
	return dst[:start+fixed+n+trailerLen]
}

// trailers are the seven bytes of CheckSum(10) for each sum, and one more.
var trailers = func() (all [256]uint64) {
	for sum := range all {
		text := [8]byte{'1', '0', '=', 3: 0, 6: SOH}
		putDigits(text[3:6], uint64(sum))
		all[sum] = binary.LittleEndian.Uint64(text[:])
	}
	return
}()

// patchSeq shows a sequence number: mostly the next one, whose last digit is one higher.
func (t *Template) patchSeq(seq uint64) {
	if last := t.seqAt + t.seqLen - 1; seq == t.seq+1 && t.seq != 0 && t.buf[last] != '9' {
		t.buf[last]++
		t.seqSum++
		t.seq = seq
		return
	}
	if n := digits(seq); n != t.seqLen {
		t.render(n)
	}
	t.seq, t.seqSum = seq, putDigits(t.buf[t.seqAt:t.seqAt+t.seqLen], seq)
}

// patchTimes shows now. In the same second only the milliseconds change.
func (t *Template) patchTimes(now int64, stamp *Stamp) {
	stamp.set(now)
	t.from = now - now%1_000_000
	at := 0
	if t.sec == stamp.sec {
		at = stampLen - len("123")
	}
	t.sec = stamp.sec
	copy(t.buf[t.sentAt+at:], stamp.text[at:])
	t.timeSum = stamp.sum
	if t.transact != 0 {
		copy(t.buf[t.transact+at:], stamp.text[at:])
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
	return s.sum + put3(b[last:], uint32(id-high*1000))
}

// tailField is a tag with its equals sign and, as sum, what it and the SOH add to CheckSum.
type tailField struct {
	text uint64
	sum  uint32
	len  uint
}

func newTailField(text string) (f tailField) {
	var b [8]byte
	copy(b[:], text)
	f = tailField{text: binary.LittleEndian.Uint64(b[:]), sum: SOH, len: uint(len(text))}
	for _, c := range []byte(text) {
		f.sum += uint32(c)
	}
	return f
}

var (
	tailQty, tailPrice     = newTailField("38="), newTailField("44=")
	tailMinQty, tailQuoted = newTailField("110="), newTailField("117=")
)

// put writes the field with a decimal value at to.
func (f *tailField) put(to unsafe.Pointer, v int64, decimals uint8) (n uint, sum uint32) {
	store64(to, 0, f.text)
	w, sum := putDecimal(unsafe.Add(to, f.len), uint64(v), decimals)
	n = f.len + uint(w)
	*(*byte)(unsafe.Add(to, n)) = SOH
	return n + 1, sum + f.sum
}

// tail writes the fields that vary in width at to, where maxTail bytes are ours.
func (t *Template) tail(to unsafe.Pointer, v *Values) (n int, sum uint32) {
	var at uint
	if v.Qty != 0 {
		at, sum = tailQty.put(to, v.Qty, t.spec.QtyDecimals)
	}
	if v.Price != 0 {
		w, s := tailPrice.put(unsafe.Add(to, at), v.Price, t.spec.PriceDecimals)
		at, sum = at+w, sum+s
	}
	if v.MinQty != 0 {
		w, s := tailMinQty.put(unsafe.Add(to, at), v.MinQty, t.spec.QtyDecimals)
		at, sum = at+w, sum+s
	}
	if v.Show != 0 && t.spec.ShowTag != 0 {
		w, s := t.show.put(unsafe.Add(to, at), v.Show, t.spec.QtyDecimals)
		at, sum = at+w, sum+s
	}
	if len(v.QuoteID) > 0 {
		store64(to, at, t.quoted.text)
		f := unsafe.Slice((*byte)(unsafe.Add(to, at+t.quoted.len)), maxQuoteID+1)
		f[copy(f, v.QuoteID)] = SOH
		at, sum = at+t.quoted.len+uint(len(v.QuoteID))+1, sum+t.quoted.sum
		for _, c := range v.QuoteID {
			sum += uint32(c)
		}
	}
	return int(at), sum
}
