package fix

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unsafe"
)

// Template writes one kind of order message fast. Everything that does not change
// from message to message is rendered once; SendTemplate writes numbers, ids and times
// over the last ones and the quantities anew:
//
//	8=…|9=nnn|35=D|34=seq|49=…|52=time|56=…|11=id|41=id|static|60=time|38= 44= 110= 111= 117=|10=
//	└──────────────────── rendered, numbers written over ─────────────┘└── written anew ──┘
//
// The message leaves from where the text was rendered: see Session.lent. The
// texts that grow slowly are kept by the session for all its templates. BodyLength and CheckSum
// are added up from the parts. The bytes equal those of Write, its slow twin. Single owner, like
// the session it was made for.
type Template struct {
	buf   []byte // the last message, or what is rendered of one; with room for all that may follow
	fixed uint   // bytes that are rendered, without the last SOH
	sum   uint64 // of them and that SOH, with the slots at zero and BodyLength at 000
	plain bool   // SendTemplate can write it: BodyLength has three digits whatever the values
	// unusual is not 0 if it is not plain, or has numbers in another form than the decimal one.
	unusual int64

	seqLen           int    // digits of MsgSeqNum
	seqEnd           uint   // behind it
	seqHead, seqMask uint64 // the word that ends with it: what is before it, and where it is
	lenAt            int    // of the three digits of BodyLength
	sentAt, transact int    // transact 0: no TransactTime
	idAt, origAt     int    // origAt 0: none
	linkAt           int    // of the number of LinkTag, 0: none
	start            uint   // before what BodyLength counts
	qty, price       tailField
	minQty, show     tailField
	quoted           tailField

	spec TemplateSpec
	cfg  *Config
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

const (
	maxShowTag  = 9999
	maxQuoteTag = 99999
	maxQuoteID  = 20
	// maxTail is the room for the fields that follow the rendered part, and the trailer.
	maxTail = 3*(len("110=")+decimalRoom) + len("1138=") + decimalRoom + len("99999=") + maxQuoteID + 1 + trailerLen + 1
)

// NewTemplate returns a template for messages of s.
func (s *Session) NewTemplate(spec TemplateSpec) (*Template, error) {
	for _, f := range spec.Static {
		if f.Value == "" || indexSOH([]byte(f.Value), 0) < len(f.Value) || f.Tag < 1 {
			return nil, fmt.Errorf("template of %s: tag %d: %w", spec.MsgType, f.Tag, ErrValue)
		}
	}
	if spec.QuoteTag == 0 {
		spec.QuoteTag = TagQuoteID
	}
	if spec.ShowTag < 0 || spec.ShowTag > maxShowTag || spec.QuoteTag < 0 || spec.QuoteTag > maxQuoteTag {
		return nil, fmt.Errorf("template of %s: tags %d and %d: %w", spec.MsgType, spec.ShowTag, spec.QuoteTag, ErrValue)
	}
	t := &Template{spec: spec, cfg: &s.cfg}
	t.qty, t.minQty = newTailField(TagOrderQty, spec.QtyDecimals), newTailField(TagMinQty, spec.QtyDecimals)
	t.price, t.quoted = newTailField(TagPrice, spec.PriceDecimals), newTailField(spec.QuoteTag, 0)
	if spec.ShowTag != 0 {
		t.show = newTailField(spec.ShowTag, spec.QtyDecimals)
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
	t.start = uint(len(t.buf)) - 1
	text("35=" + t.spec.MsgType + "\x0134=")
	t.seqLen, t.seqEnd = seqLen, uint(slot(seqLen)+seqLen)
	text("49=" + t.cfg.SenderCompID + "\x0152=")
	t.sentAt = slot(stampLen)
	text("56=" + t.cfg.TargetCompID + "\x01")
	for _, f := range t.cfg.Header {
		text(fmt.Sprintf("%d=%s\x01", f.Tag, f.Value))
	}
	text("11=")
	idLen := t.spec.IDs.length()
	t.idAt = slot(idLen)
	if t.spec.OrigID {
		text("41=")
		t.origAt = slot(idLen)
	}
	if t.spec.LinkTag != 0 {
		text(fmt.Sprintf("%d=", t.spec.LinkTag))
		t.linkAt = slot(idLen)
	}
	for _, f := range t.spec.Static {
		text(fmt.Sprintf("%d=%s\x01", f.Tag, f.Value))
	}
	if t.spec.TransactTime {
		text("60=")
		t.transact = slot(stampLen)
	}
	t.sum, t.fixed = bodyDigits*'0', uint(len(t.buf))-1
	for _, c := range t.buf {
		t.sum += uint64(c)
	}
	t.measure()
	t.buf = slices.Grow(t.buf, maxTail+maxSeqText)
}

// fit makes t one for sequence numbers of seqLen digits.
func (t *Template) fit(seqLen int) {
	switch {
	case seqLen > t.seqLen:
		t.widen(seqLen)
	case seqLen < t.seqLen:
		t.render(seqLen) // the numbers began anew
	}
}

// measure finds what follows from how much is rendered, and from the room for MsgSeqNum.
func (t *Template) measure() {
	body := int(t.fixed - t.start)
	t.plain = t.cfg.Role == Initiator && t.seqLen <= maxSeqText && body >= 100 && body+maxTail <= 999
	if t.unusual = 0; !t.plain || t.spec.IDs != IDDecimal {
		t.unusual = -1
	}
	if t.seqLen <= maxSeqText {
		t.seqMask = ^uint64(0) << (64 - 8*t.seqLen)
		t.seqHead = binary.LittleEndian.Uint64(t.buf[t.seqEnd-8:]) &^ t.seqMask
	}
}

// widen makes room for sequence numbers of seqLen digits, which are more than there were: what follows
// them moves. It is render at a fraction of its cost; a sequence gains a digit in the middle of a day.
func (t *Template) widen(seqLen int) {
	by := seqLen - t.seqLen
	end := t.fixed + 1
	t.buf = slices.Grow(t.buf[:end], by+maxTail)
	copy(t.buf[t.seqEnd+uint(by):end+uint(by)], t.buf[t.seqEnd:end])
	for _, at := range [...]*int{&t.sentAt, &t.idAt, &t.origAt, &t.linkAt, &t.transact} {
		if *at != 0 {
			*at += by
		}
	}
	t.seqLen, t.seqEnd, t.fixed = seqLen, t.seqEnd+uint(by), t.fixed+uint(by)
	t.measure()
}

// SendTemplate sends a message; the session must be able to (CanSend).
func (s *Session) SendTemplate(t *Template, now int64, v *Values) error {
	step := s.nextOut - s.seq.base
	odd := t.unusual | v.MinQty | v.Show | int64(len(v.QuoteID)) // what few messages have
	if uint64(v.Qty) > t.qty.most || uint64(v.Price) > t.price.most {
		odd = -1
	}
	if s.state != Active || s.lent != nil || len(s.w.buf) != 0 || step >= s.seq.serves || s.seq.width != t.seqLen || odd != 0 ||
		!s.w.stamp.shows(now) || v.ID-s.ids.base >= idTurn || t.linkAt != 0 && v.Link-s.links.base >= idTurn ||
		t.origAt != 0 && v.OrigID-s.origs.base >= idTurn {
		if done, err := s.prepare(t, now, v); done {
			return err
		}
		step = s.nextOut - s.seq.base
	}
	s.nextOut++
	s.stats.Out++
	s.lastOut = now
	s.lent = t
	to := unsafe.Pointer(unsafe.SliceData(t.buf))
	store64(to, t.seqEnd-8, t.seqHead|(s.seq.text+step<<56)&t.seqMask)
	millis := s.w.stamp.millis(now)
	time := s.w.stamp.sum + uint64(millis>>24)
	sum := t.sum + s.seq.sum + step + time
	s.w.stamp.put(unsafe.Add(to, t.sentAt), millis)
	if t.transact != 0 {
		sum += time
		s.w.stamp.put(unsafe.Add(to, t.transact), millis)
	}
	if t.spec.IDs == IDDecimal {
		sum += s.ids.put(unsafe.Add(to, t.idAt), v.ID)
		if t.linkAt != 0 {
			sum += s.links.put(unsafe.Add(to, t.linkAt), v.Link)
		}
		if t.origAt != 0 {
			sum += s.origs.put(unsafe.Add(to, t.origAt), v.OrigID)
		}
	}
	words := uint64(0) // digits that are added up in the end: not more than twelve
	end := t.fixed
	if odd == 0 {
		if qty := uint64(v.Qty); qty-1 < 9_999 && t.qty.decimals == 0 { // as most are
			sum += t.qty.sum
			store64(to, end, t.qty.text)
			w := digits4of(qty)
			words += w
			first := uint(bits.TrailingZeros64(w|1<<31)) & 24
			store64(to, end+t.qty.len, (w+ascii0)>>first)
			end += t.qty.len + 4 - first>>3
		} else if qty != 0 {
			end, sum = t.qty.put(to, end, sum, qty)
		}
		if price := uint64(v.Price); price != 0 {
			sum += t.price.sum
			store64(to, end, t.price.text)
			w := digits8of(price)
			words += w
			first, used := t.price.cut(w)
			store64(to, end+t.price.len, (w+ascii0)>>first)
			end += t.price.len + (used-first)>>3
			if part := used - t.price.whole; part != 0 {
				store64(to, end-part>>3+1, (w+ascii0)>>(t.price.whole&63))
				*(*byte)(unsafe.Add(to, end-part>>3)) = '.'
				sum += point
				end++
			}
		}
	} else {
		end, sum = t.odd(to, end, sum, v)
	}
	length := threes[(end-t.start)%uint(len(threes))]
	binary.LittleEndian.PutUint32((*[4]byte)(unsafe.Add(to, t.lenAt))[:], length&0xffffff+SOH<<24+ascii0&0xffffff)
	sum += uint64(end-t.fixed)*'0' + words*0x0101010101010101>>56 + uint64(length>>24)
	store64(to, end, trailers[byte(sum)])
	t.buf = t.buf[:end+8]
	return nil
}

// Ready makes what the next message needs of its sequence number, and t, if one sends by it: what
// SendTemplate would else do on the way of that message. For those that have just sent.
func (s *Session) Ready(t *Template) {
	if s.nextOut-s.seq.base >= s.seq.serves {
		s.seq.turn(s.nextOut)
		s.claim(s.seq.base + s.seq.serves - 1)
	}
	if s.seq.width != t.seqLen && s.lent != t {
		t.fit(s.seq.width)
	}
}

// prepare makes a message ready that SendTemplate cannot write at once; done: it was sent in
// another way, or cannot be.
//
//go:noinline
func (s *Session) prepare(t *Template, now int64, v *Values) (done bool, err error) {
	if !s.CanSend() {
		return true, ErrNotLoggedOn
	}
	s.keep()
	s.Ready(t)
	if !t.plain || !idFits(v.ID) || v.Qty|v.Price|v.MinQty|v.Show < 0 || t.linkAt != 0 && !idFits(v.Link) ||
		t.origAt != 0 && !idFits(v.OrigID) || !quotable(v.QuoteID) {
		return true, s.sendPlain(t, now, v)
	}
	s.w.stamp.set(now)
	s.ids.cover(v.ID)
	if t.linkAt != 0 {
		s.links.cover(v.Link)
	}
	if t.origAt != 0 {
		s.origs.cover(v.OrigID)
	}
	return false, nil
}

func quotable(id []byte) bool { return len(id) <= maxQuoteID && indexSOH(id, 0) == len(id) }

// sendPlain sends what does not fit the template.
//
//go:noinline
func (s *Session) sendPlain(t *Template, now int64, v *Values) error {
	s.stats.ByField++
	s.begin(now, t.spec.MsgType)
	t.Write(&s.w, now, v)
	return s.Send()
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
		w.Bytes(t.spec.QuoteTag, v.QuoteID)
	}
}

// trailers are what ends a message with each sum: SOH, and CheckSum(10).
var trailers = func() (all [256]uint64) {
	for sum := range all {
		text := [8]byte{SOH, '1', '0', '=', 7: SOH}
		putDigits(text[4:7], uint64(sum))
		all[sum] = binary.LittleEndian.Uint64(text[:])
	}
	return
}()

// odd writes what follows the rendered part where SendTemplate does not, and numbers in another
// form than the decimal one.
//
//go:noinline
func (t *Template) odd(to unsafe.Pointer, at uint, sum uint64, v *Values) (uint, uint64) {
	if t.spec.IDs != IDDecimal {
		sum += t.putIDs(to, v)
	}
	for _, f := range [...]struct {
		field *tailField
		v     int64
	}{{&t.qty, v.Qty}, {&t.price, v.Price}, {&t.minQty, v.MinQty}, {&t.show, v.Show}} {
		if f.v != 0 && f.field.len != 0 {
			at, sum = f.field.put(to, at, sum, uint64(f.v))
		}
	}
	if len(v.QuoteID) > 0 {
		store64(to, at, t.quoted.text)
		at += t.quoted.len
		n := copy(unsafe.Slice((*byte)(unsafe.Add(to, at)), maxQuoteID), v.QuoteID)
		at, sum = at+uint(n), sum+t.quoted.sum+tailSum(v.QuoteID)
	}
	return at, sum
}

func (t *Template) putIDs(to unsafe.Pointer, v *Values) (sum uint64) {
	ids := t.spec.IDs
	for _, f := range [...]struct {
		at int
		id uint64
	}{{t.idAt, v.ID}, {t.origAt, v.OrigID}, {t.linkAt, v.Link}} {
		if f.at != 0 {
			sum += uint64(ids.put(unsafe.Slice((*byte)(unsafe.Add(to, f.at)), ids.length()), f.id))
		}
	}
	return sum
}
