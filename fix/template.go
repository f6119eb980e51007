package fix

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"unsafe"
)

// Template writes one kind of order message fast. Everything that does not change
// from message to message is rendered once; SendTemplate copies it in blocks, writes
// numbers, ids and times into the copy and appends the quantities:
//
//	8=…|9=nnn|35=D|34=seq|49=…|52=time|56=…|11=id|41=id|static|60=time|38= 44= 110= 111= 117=|10=
//	└──────────────────── rendered, numbers written over ─────────────┘└── written anew ──┘
//
// The rendered text is only read, and the texts that grow slowly are kept by the session for
// all its templates. BodyLength and CheckSum are added up from the parts. The bytes equal
// those of Write, its slow twin. Single owner, like the session it was made for.
type Template struct {
	buf   []byte // from BeginString to the last fixed field; its capacity is whole blocks
	room  int    // that a message may take, what is copied too much included
	sum   uint32 // of buf with its slots at zero and BodyLength at 000
	plain bool   // SendTemplate can write it: BodyLength has three digits whatever the values

	lenAt            int // of the three digits of BodyLength
	seqLen           int
	seqEnd           uint
	seqHead, seqMask uint64 // the word that ends with MsgSeqNum: what is before it, and where it is
	sentAt, transact int    // transact 0: no TransactTime
	idAt, origAt     int    // origAt 0: none
	linkAt           int    // of the number of LinkTag, 0: none
	body             int    // bytes of buf that BodyLength counts
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

// maxTail is the room for the fields that follow the rendered part, and trailer.
const (
	maxQuoteID = 20
	maxTail    = 3*(len("110=")+decimalRoom) + len("1138=") + decimalRoom + len("99999=") + maxQuoteID + 1 + trailerLen + 1
	block      = 64 // bytes that are copied at once
)

// NewTemplate returns a template for messages of s.
func (s *Session) NewTemplate(spec TemplateSpec) (*Template, error) {
	t := &Template{spec: spec, cfg: &s.cfg}
	for _, f := range spec.Static {
		if f.Value == "" || indexSOH([]byte(f.Value), 0) < len(f.Value) || f.Tag < 1 {
			return nil, fmt.Errorf("template of %s: tag %d: %w", spec.MsgType, f.Tag, ErrValue)
		}
	}
	t.qty, t.minQty = newTailField("38=", spec.QtyDecimals), newTailField("110=", spec.QtyDecimals)
	t.price, t.quoted = newTailField("44=", spec.PriceDecimals), newTailField("117=", 0)
	if spec.QuoteTag != 0 {
		t.quoted = newTailField(fmt.Sprintf("%d=", spec.QuoteTag), 0)
	}
	if spec.ShowTag != 0 {
		t.show = newTailField(fmt.Sprintf("%d=", spec.ShowTag), spec.QtyDecimals)
	}
	if t.show.len > uint(len("1138=")) {
		return nil, fmt.Errorf("template of %s: tag %d: %w", spec.MsgType, spec.ShowTag, ErrValue)
	}
	if t.quoted.len > uint(len("99999=")) {
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
	t.body = len(t.buf) - start
	t.sum = bodyDigits * '0'
	for _, c := range t.buf {
		t.sum += uint32(c)
	}
	blocks := (len(t.buf) + block - 1) / block
	t.buf = slices.Grow(t.buf, blocks*block-len(t.buf))
	t.room = blocks*block + maxTail
	t.plain = t.cfg.Role == Initiator && seqLen <= maxSeqText && t.body >= 100 && t.body+maxTail <= 999
	if seqLen <= maxSeqText {
		t.seqMask = ^uint64(0) << (64 - 8*seqLen)
		t.seqHead = binary.LittleEndian.Uint64(t.buf[t.seqEnd-8:])
	}
}

// SendTemplate sends a message; the session must be able to (CanSend).
func (s *Session) SendTemplate(t *Template, now int64, v *Values) error {
	if !s.CanSend() {
		return ErrNotLoggedOn
	}
	seq := &s.seq
	if !seq.step(s.nextOut) {
		seq.turn(s.nextOut)
	}
	if seq.width != t.seqLen {
		t.render(seq.width)
	}
	rare := v.MinQty | v.Show | int64(len(v.QuoteID))
	if !t.plain || !idFits(v.ID) || v.Qty|v.Price|rare < 0 || t.linkAt != 0 && !idFits(v.Link) ||
		t.origAt != 0 && !idFits(v.OrigID) || rare != 0 && !quotable(v.QuoteID) {
		return s.sendPlain(t, now, v)
	}
	start, fixed := len(s.w.buf), len(t.buf)
	if cap(s.w.buf)-start < t.room {
		s.w.grow(t.room)
	}
	to, from := unsafe.Add(unsafe.Pointer(unsafe.SliceData(s.w.buf)), start), unsafe.Pointer(unsafe.SliceData(t.buf))
	for at := 0; at < fixed; at += block {
		*(*copied)(unsafe.Add(to, at)) = *(*copied)(unsafe.Add(from, at))
	}
	store64(to, t.seqEnd-8, t.seqHead|seq.text&t.seqMask)
	stamp := &s.w.stamp
	stamp.set(now)
	stamp.put(unsafe.Add(to, t.sentAt))
	sum := t.sum + seq.sum + stamp.sum
	if t.transact != 0 {
		stamp.put(unsafe.Add(to, t.transact))
		sum += stamp.sum
	}
	if t.spec.IDs == IDDecimal {
		s.ids.show(v.ID)
		s.ids.put(unsafe.Add(to, t.idAt))
		sum += s.ids.sum
		if t.linkAt != 0 {
			s.links.show(v.Link)
			s.links.put(unsafe.Add(to, t.linkAt))
			sum += s.links.sum
		}
		if t.origAt != 0 {
			s.origs.show(v.OrigID)
			s.origs.put(unsafe.Add(to, t.origAt))
			sum += s.origs.sum
		}
	} else {
		sum += t.putIDs(to, v)
	}
	end := uint(fixed)
	if v.Qty != 0 {
		end, sum = t.qty.put(to, end, sum, uint64(v.Qty))
	}
	if v.Price != 0 {
		end, sum = t.price.put(to, end, sum, uint64(v.Price))
	}
	if rare != 0 {
		end, sum = t.rare(to, end, sum, v)
	}
	length := digits3of(uint64(t.body + int(end) - fixed))
	sum += uint32(length * 0x010101 >> 16)
	binary.LittleEndian.PutUint32((*[4]byte)(unsafe.Add(to, t.lenAt))[:], uint32(length)+SOH<<24+ascii0&0xffffff)
	store64(to, end, trailers[byte(sum)])
	s.w.buf = s.w.buf[:start+int(end)+trailerLen]
	s.nextOut++
	s.sentAt(now)
	return nil
}

//go:noinline
func quotable(id []byte) bool { return len(id) <= maxQuoteID && indexSOH(id, 0) == len(id) }

// sendPlain sends what does not fit the template.
//
//go:noinline
func (s *Session) sendPlain(t *Template, now int64, v *Values) error {
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
		tag := TagQuoteID
		if t.spec.QuoteTag != 0 {
			tag = t.spec.QuoteTag
		}
		w.Bytes(tag, v.QuoteID)
	}
}

// copied is a block; in a struct, so that the compiler copies it with a few loads and stores.
type copied struct{ _ [block]byte }

// putIDs writes the numbers in another form than the decimal one.
//
//go:noinline
func (t *Template) putIDs(to unsafe.Pointer, v *Values) (sum uint32) {
	ids := t.spec.IDs
	for _, f := range [...]struct {
		at int
		id uint64
	}{{t.idAt, v.ID}, {t.origAt, v.OrigID}, {t.linkAt, v.Link}} {
		if f.at != 0 {
			sum += ids.put(unsafe.Slice((*byte)(unsafe.Add(to, f.at)), ids.length()), f.id)
		}
	}
	return sum
}

//go:noinline
func (w *Writer) grow(n int) { w.buf = slices.Grow(w.buf, n) }

// trailers are the seven bytes of CheckSum(10) for each sum, and one more.
var trailers = func() (all [256]uint64) {
	for sum := range all {
		text := [8]byte{'1', '0', '=', 3: 0, 6: SOH}
		putDigits(text[3:6], uint64(sum))
		all[sum] = binary.LittleEndian.Uint64(text[:])
	}
	return
}()

// tailField is a field that varies in width: its tag with the equals sign and, as sum, what
// these and the SOH add to CheckSum.
type tailField struct {
	text     uint64
	sum      uint32
	decimals uint8
	part     uint   // bits of the decimals, eight a digit
	len      uint   // of text
	below    uint64 // what is below it has the form of put: eight digits
	ones     uint64 // a bit of the last digit before the point, which is always there
	point    uint64 // the highest bit before the point
}

func newTailField(text string, decimals uint8) (f tailField) {
	var b [8]byte
	copy(b[:], text)
	f = tailField{text: binary.LittleEndian.Uint64(b[:]), sum: SOH, decimals: decimals, part: uint(decimals) << 3, len: uint(len(text))}
	if decimals <= 7 {
		f.below, f.ones, f.point = 100_000_000, 1<<(56-f.part), 1<<63>>f.part
	}
	for _, c := range []byte(text) {
		f.sum += uint32(c)
	}
	return f
}

// put writes the field with v × 10^-decimals, without trailing zeros, at offset at of to, where
// decimalRoom bytes more than its tag are ours. It returns where the field ends, and sum with
// that of its bytes.
func (f *tailField) put(to unsafe.Pointer, at uint, sum uint32, v uint64) (uint, uint32) {
	store64(to, at, f.text)
	at += f.len
	sum += f.sum
	if v < 10_000 && f.part == 0 { // as most quantities are
		w := digits4of(v)
		first := uint(bits.TrailingZeros64(w)) &^ 7 & 63
		store64(to, at, (w+SOH<<32+ascii0&0xffffffff)>>first)
		width := 4 - first>>3
		return at + width + 1, sum + uint32(w*0x01010101>>24&0xff) + uint32(width)*'0'
	}
	if v >= f.below {
		return f.putLong(to, at, sum, v)
	}
	w := digits8of(v)
	sum += uint32(w * 0x0101010101010101 >> 56)
	part := f.part
	first := uint(bits.TrailingZeros64(w|f.ones)) &^ 7  // bits of zeros before
	behind := uint(bits.LeadingZeros64(w|f.point)) &^ 7 // and after
	w = (w + ascii0) >> (first & 63)
	store64(to, at, w)
	width := 64 - first - behind
	sum += uint32(width>>3) * '0'
	end := at + width>>3
	if part > behind {
		point := 64 - first - part
		store64(to, at+point>>3+1, w>>(point&63))
		*(*byte)(unsafe.Add(to, at+point>>3)) = '.'
		sum += '.'
		end++
	}
	*(*byte)(unsafe.Add(to, end)) = SOH
	return end + 1, sum
}

// putLong is put for any number, behind the tag.
//
//go:noinline
func (f *tailField) putLong(to unsafe.Pointer, at uint, sum uint32, v uint64) (uint, uint32) {
	b := unsafe.Slice((*byte)(unsafe.Add(to, at)), decimalRoom)
	n, s := putLongDecimal(b, v, f.decimals)
	b[n] = SOH
	return at + uint(n) + 1, sum + s
}

// rare writes the fields that few orders have.
//
//go:noinline
func (t *Template) rare(to unsafe.Pointer, at uint, sum uint32, v *Values) (uint, uint32) {
	if v.MinQty != 0 {
		at, sum = t.minQty.put(to, at, sum, uint64(v.MinQty))
	}
	if v.Show != 0 && t.spec.ShowTag != 0 {
		at, sum = t.show.put(to, at, sum, uint64(v.Show))
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
	return at, sum
}
