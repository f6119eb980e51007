package itch

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"penstock/event"
)

var haveAVX = cpu.X86.HasAVX

// fillBatch decodes messages into the batch, up to one that is not for it. It returns how
// many events that made and the bytes of their messages; skipped counts messages that made none.
func (d *Decoder) fillBatch(now int64, blocks []byte) (events, size int) {
	switch {
	case len(blocks) < minBlock:
		return 0, 0
	case !haveAVX:
		return d.fillWords(now, blocks)
	}
	return fillAVX(d, &fillTables, now, &blocks[0], len(blocks))
}

// fillAVX does what fillWords does, n being minBlock or more. It reads only within blocks.
//
//go:noescape
func fillAVX(d *Decoder, tables *fillTable, now int64, blocks *byte, n int) (events, size int)

// minBlock is the shortest block of a type that a batch takes: a delete.
const minBlock = 2 + 19

// cut says to fillAVX where the fields of a type lie, in bytes from the length before the
// message on. Price, shares and new reference are in 16 bytes that it has in every case.
type cut struct {
	length uint32 // as it is read, the first byte lowest; noType when a batch does not take the type
	size   uint8  // of the block
	tail   uint8  // where the 16 bytes begin
	side   uint8  // where the side is, or any byte
	_      uint8
	sides  uint32 // which part of sideTags tells what that byte says
	kind   uint32
	pick   [16]uint8 // of the 16 bytes: price, then shares, the last byte first
	newRef [16]uint8
	must   [2]uint64 // all ones where price and shares must not be zero
}

// fillTable is what fillAVX looks up, by type and by byte.
type fillTable struct {
	cuts     [256]cut
	sideTags [2][256]uint64 // the side where an event has it, the highest bit when it is none; nothing
}

var fillTables = func() (t fillTable) {
	for i := range t.cuts {
		t.cuts[i] = newCut(shapes[i])
		if t.sideTags[0][i] = uint64(sideCodes[i]) << 32; sideCodes[i] == 0 {
			t.sideTags[0][i] = 1 << 63
		}
	}
	return t
}()

func newCut(s *shape) (c cut) {
	if s.kind == 0 {
		return cut{length: noType}
	}
	const noSides = 1 << 8
	c = cut{length: uint32(s.length) << 8, size: uint8(2 + s.length), side: 2, sides: noSides, kind: uint32(s.kind),
		must: [2]uint64{s.hasPx, s.hasQty}}
	if s.hasSide != 0 {
		c.side, c.sides = 2+s.side, 0
	}
	last := s.length
	if s.hasPx != 0 {
		last = int(s.price) + 4
	}
	c.tail = uint8(2 + last - 16)
	pick := func(to []uint8, from uint8, bytes int, there uint64) {
		for i := range to {
			if to[i] = 0x80; i < bytes && there != 0 {
				to[i] = 2 + from - c.tail + uint8(bytes-1-i)
			}
		}
	}
	pick(c.pick[:8], s.price, 4, s.hasPx)
	pick(c.pick[8:], s.shares, 4, s.hasQty)
	pick(c.newRef[:], s.newRef, 8, s.hasRef)
	return c
}

// What fillAVX writes to.
const (
	eventSize = unsafe.Sizeof(event.Event{})
	recvTime  = unsafe.Offsetof(event.Event{}.RecvTime)
	srcTime   = unsafe.Offsetof(event.Event{}.SrcTime) // and Ref behind it
	priceQty  = unsafe.Offsetof(event.Event{}.Price)   // and Qty behind it
	tag       = unsafe.Offsetof(event.Event{}.Kind)    // and Venue, Instrument, Side
	orderRef  = unsafe.Offsetof(event.Event{}.OrderRef)
)

// Fields that fillAVX writes at once lie one after the other.
var (
	_ [srcTime + 8]byte  = [unsafe.Offsetof(event.Event{}.Ref)]byte{}
	_ [priceQty + 8]byte = [unsafe.Offsetof(event.Event{}.Qty)]byte{}
	_ [tag + 1]byte      = [unsafe.Offsetof(event.Event{}.Venue)]byte{}
	_ [tag + 2]byte      = [unsafe.Offsetof(event.Event{}.Instrument)]byte{}
	_ [tag + 4]byte      = [unsafe.Offsetof(event.Event{}.Side)]byte{}
	_ [64]byte           = [unsafe.Sizeof(cut{})]byte{}
	_ [64]byte           = [unsafe.Sizeof(scale{})]byte{}
)
