package itch

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"

	"penstock/event"
	"penstock/market"
)

// BatchSize is how many events a batch has at most.
const BatchSize = 32

// shape says where the fields of a message lie that makes one event of an order or a
// trade. A field that the type lacks is read where another one is and masked out: which
// type comes next cannot be foretold, so nothing branches on it here.
type shape struct {
	length  int
	kind    event.Kind
	side    uint8 // offsets in the message
	shares  uint8
	price   uint8
	newRef  uint8
	hasSide uint64 // all ones where the type has the field
	hasQty  uint64
	hasPx   uint64
	hasRef  uint64
}

const (
	refAt  = 11 // in every type below
	has    = ^uint64(0)
	noType = 1 << 16 // a length that no message has
)

// shapes holds the types that a batch takes. The others, and those in which something is
// wrong, go through Decode. They are pointers because the compiler then needs no
// instruction to address a field.
var shapes = func() (p [256]*shape) {
	var t [256]shape
	add := shape{kind: event.OrderAdd, side: 19, shares: 20, price: 32, newRef: refAt, hasSide: has, hasQty: has, hasPx: has}
	take := shape{kind: event.OrderExecuted, side: refAt, shares: 19, price: refAt, newRef: refAt, hasQty: has}
	t[typeAddOrder], t[typeAddOrderMPID], t[typeOrderExecuted], t[typeOrderCancel] = add, add, take, take
	t[typeOrderCancel].kind = event.OrderReduced
	t[typeOrderDelete] = shape{kind: event.OrderDeleted, side: refAt, shares: refAt, price: refAt, newRef: refAt}
	t[typeOrderReplace] = shape{kind: event.OrderReplaced, side: refAt, shares: 27, price: 31, newRef: 19,
		hasQty: has, hasPx: has, hasRef: has}
	t[typeTrade] = shape{kind: event.MarketTrade, side: refAt, shares: 20, price: 32, newRef: refAt, hasQty: has, hasPx: has}
	for i := range t {
		if t[i].length = noType; t[i].kind != 0 {
			t[i].length = int(lengths[i])
		}
		p[i] = &t[i]
	}
	return p
}()

// lane is what a batch needs to know of a locate code: the instrument in the low 16 bits,
// then the number of its scale in 8, and what its messages are for.
type lane uint32

const (
	laneScale = 16
	laneUse   = 24

	laneUnlisted lane = 0 // no configured instrument: its messages are ignored
	laneShut     lane = 1 // its book lost a message: see Decode
	laneOpen     lane = 1 << 7
)

func (l lane) use() lane { return l >> laneUse }

// maxScales is more than there are: ten decimals of a price by ten of a quantity.
const maxScales = 128

// scale turns the price and the shares of a message, in this order, into those of the
// instrument, without a division: a whole number of increments comes out right, and of
// anything else the test by multiplication says that it is none.
type scale struct {
	inverse [2]uint64 // 2^31 / div, rounded up
	div     [2]uint64
	mul     [2]uint64
	_       [2]uint64
}

func newScale(b *book) scale {
	div := uint64(b.priceDiv)
	return scale{inverse: [2]uint64{(1<<31 + div - 1) / div, 1 << 31}, div: [2]uint64{div, 1},
		mul: [2]uint64{uint64(b.priceMul), uint64(b.qtyMul)}}
}

// scaleOf returns the number of the scale of b.
func (d *Decoder) scaleOf(b *book) uint8 {
	want := newScale(b)
	i := slices.Index(d.scales[:], want)
	if i < 0 {
		i = slices.Index(d.scales[:], scale{})
		d.scales[i] = want
	}
	return uint8(i)
}

// setLane notes that messages of a locate code are of book i.
func (d *Decoder) setLane(code uint16, i uint16) {
	b := &d.books[i]
	b.code = code
	d.lanes[code] = lane(b.id) | lane(b.scale)<<laneScale | laneOpen<<laneUse
}

// shutLane sends the messages of a book through Decode.
func (d *Decoder) shutLane(b *book) {
	if b.listed {
		d.lanes[b.code] = laneShut << laneUse
	}
}

// DecodeBlocks takes messages, each behind its length in two bytes, as a MoldUDP64 packet
// has them. It does what Decode does with each, and offers the events of orders and trades
// in batches. It returns how many messages it has taken, and how many bytes they are. The
// error is ErrNoRoom when it stopped for want of room, otherwise that of the last message
// that could not be used. A block that is cut short ends it.
func (d *Decoder) DecodeBlocks(now int64, blocks []byte) (messages, size int, err error) {
	for {
		if !d.owed {
			d.skipped = 0
			events, used := d.fillBatch(now, blocks[size:])
			taken := events + d.skipped
			if got := d.offer(events); got < events {
				n, bytes := d.takeBack(blocks[size:size+used], got)
				return messages + n, size + bytes, ErrNoRoom
			}
			messages, size = messages+taken, size+used
			if size == len(blocks) {
				return messages, size, err
			}
			if events == BatchSize {
				continue
			}
		}
		msg, _, cut := cutBlock(blocks[size:])
		if cut != nil {
			return messages, size, err
		}
		switch e := d.Decode(now, msg); e {
		case nil:
		case ErrNoRoom:
			return messages, size, e
		default:
			err = e
		}
		messages, size = messages+1, size+2+len(msg)
	}
}

// offer hands the first events of the batch on and returns how many were taken.
func (d *Decoder) offer(events int) (got int) {
	if events == 0 {
		return 0
	}
	if d.batchSink != nil {
		got = d.batchSink(d.batch[:events])
	} else {
		for got < events && d.sink(&d.batch[got]) {
			got++
		}
	}
	d.stats.Events += uint64(got)
	if got < events {
		d.stats.NoRoom++
	}
	return got
}

// takeBack undoes the counts of messages whose events were not taken, and of those after
// them. It returns how many messages stay taken, and their bytes.
func (d *Decoder) takeBack(blocks []byte, got int) (messages, size int) {
	for at := 0; at < len(blocks); at += 2 + int(binary.BigEndian.Uint16(blocks[at:])) {
		m := blocks[at+2:]
		ignored := d.lanes[locate(m)].use() == laneUnlisted
		if got > 0 || ignored && size == at {
			if !ignored {
				got--
			}
			messages, size = messages+1, at+2+int(binary.BigEndian.Uint16(blocks[at:]))
			continue
		}
		d.stats.Types[m[0]]--
		if ignored {
			d.stats.Ignored--
		}
	}
	return messages, size
}

// fillWords is fillBatch for any processor.
//
// Every read is within its message: it has the length of its type, and that many bytes are
// there.
func (d *Decoder) fillWords(now int64, blocks []byte) (events, size int) {
	base, end := unsafe.Pointer(&blocks[0]), len(blocks)
	for events < BatchSize && size+2 < end {
		p := unsafe.Add(base, size)
		typ := *(*uint8)(unsafe.Add(p, 2))
		s := shapes[typ]
		length := int(be16(p, 0))
		next := size + 2 + length
		if length != s.length || next > end {
			break
		}
		l := d.lanes[be16(p, 2+1)]
		if l.use() != laneOpen {
			if l.use() == laneShut {
				break
			}
			d.stats.Types[typ]++
			d.stats.Ignored++
			d.skipped++
			size = next
			continue
		}
		p = unsafe.Add(p, 2)
		c := &d.scales[l>>laneScale&(maxScales-1)]
		wire := uint64(be32(p, uintptr(s.price))) & s.hasPx
		price := wire * c.inverse[0] >> 31
		shares := uint64(be32(p, uintptr(s.shares))) & s.hasQty
		side := uint64(sideCodes[*(*uint8)(unsafe.Add(p, s.side))]) & s.hasSide
		// Zero where something must be, or no whole number of increments.
		wrong := (wire-1)&s.hasPx | (shares-1)&s.hasQty | (side-1)&s.hasSide
		if int64(wrong) < 0 || price*c.div[0] != wire {
			break
		}
		e := &d.batch[events&(BatchSize-1)]
		e.RecvTime = now
		e.SrcTime = d.midnight + int64(be64(p, 3)&(1<<48-1))
		e.Ref = be64(p, refAt)
		e.Price = market.Price(price * c.mul[0])
		e.Qty = market.Qty(shares * c.mul[1])
		e.Kind, e.Instrument, e.Side = s.kind, market.InstrumentID(l), market.Side(side)
		e.OrderRef = be64(p, uintptr(s.newRef)) & s.hasRef
		d.stats.Types[typ]++
		events++
		size = next
	}
	return events, size
}

func be16(p unsafe.Pointer, at uintptr) uint16 {
	return bits.ReverseBytes16(*(*uint16)(unsafe.Add(p, at)))
}

func be32(p unsafe.Pointer, at uintptr) uint32 {
	return bits.ReverseBytes32(*(*uint32)(unsafe.Add(p, at)))
}

func be64(p unsafe.Pointer, at uintptr) uint64 {
	return bits.ReverseBytes64(*(*uint64)(unsafe.Add(p, at)))
}
