package policy

import (
	"encoding/binary"
	"fmt"

	"penstock/market"
)

// A parameter set travels as parts of PartBytes: one for what concerns all venues, then
// VenueParts for each venue, little-endian. Every part is one event.
const (
	PartBytes  = 128
	VenueParts = 4
	Parts      = 1 + market.MaxVenues*VenueParts

	venueBytes = VenueParts * PartBytes
)

// codec writes or reads a record field by field; the layout is written once for both
// directions.
type codec struct {
	b    []byte
	read bool
}

func (c *codec) u8(v *uint8) {
	if c.read {
		*v = c.b[0]
	} else {
		c.b[0] = *v
	}
	c.b = c.b[1:]
}

func (c *codec) u16(v *uint16) {
	if c.read {
		*v = binary.LittleEndian.Uint16(c.b)
	} else {
		binary.LittleEndian.PutUint16(c.b, *v)
	}
	c.b = c.b[2:]
}

func (c *codec) u32(v *uint32) {
	if c.read {
		*v = binary.LittleEndian.Uint32(c.b)
	} else {
		binary.LittleEndian.PutUint32(c.b, *v)
	}
	c.b = c.b[4:]
}

func (c *codec) i32(v *int32) {
	u := uint32(*v)
	c.u32(&u)
	*v = int32(u)
}

func (c *codec) i64(v *int64) {
	if c.read {
		*v = int64(binary.LittleEndian.Uint64(c.b))
	} else {
		binary.LittleEndian.PutUint64(c.b, uint64(*v))
	}
	c.b = c.b[8:]
}

func (c *codec) head(p *Params) {
	for i := range p.DayEdges {
		c.u32(&p.DayEdges[i])
	}
	for i := range p.SplitTake {
		c.u16(&p.SplitTake[i])
	}
	c.u16(&p.NoFill)
}

func (c *codec) venue(v *VenueParams) {
	c.i64(&v.TakeFee.PerLotMilli)
	c.i64(&v.TakeFee.Ppm)
	c.i64(&v.MakeFee.PerLotMilli)
	c.i64(&v.MakeFee.Ppm)
	unit := int64(v.DarkUnit)
	c.i64(&unit)
	v.DarkUnit = market.Qty(unit)
	c.u32(&v.LatencyMicros)
	c.u32(&v.HoldMicros)
	c.i32(&v.TakeMarkout)
	c.i32(&v.AddMarkout)
	c.i32(&v.Leakage)
	for i := range v.RejectMove {
		c.i32(&v.RejectMove[i])
		c.u16(&v.Reject[i])
	}
	c.u16(&v.RestFill)
	c.u8(&v.Known)
	for b := range v.Tail {
		for k := range v.Tail[b] {
			c.u16(&v.Tail[b][k])
		}
	}
	for b := range v.Fill {
		c.u16(&v.Fill[b])
	}
	for i := range v.SplitPost {
		c.u16(&v.SplitPost[i])
	}
}

// ParamsBytes is a whole set as its parts follow each other.
type ParamsBytes [Parts * PartBytes]byte

// Encode returns the bytes of p; its ID is not among them. Several goroutines may encode
// one set: the codec writes to what it goes through, so that is a copy.
func (p *Params) Encode() *ParamsBytes {
	b, set := new(ParamsBytes), *p
	c := codec{b: b[:PartBytes]}
	c.head(&set)
	for v := range set.Venues {
		at := PartBytes + v*venueBytes
		c = codec{b: b[at : at+venueBytes]}
		c.venue(&set.Venues[v])
	}
	return b
}

// Part returns part i, 0 to Parts − 1. The slice aliases b.
func (b *ParamsBytes) Part(i int) []byte { return b[i*PartBytes : (i+1)*PartBytes] }

// Sum returns the checksum that every part carries.
func (b *ParamsBytes) Sum() uint64 { return fnv1a(fnvOffset, b[:]) }

// DecodeInto fills p from b. Bytes that no field covers must be zero.
func (b *ParamsBytes) DecodeInto(p *Params, id uint64) error {
	p.ID = id
	c := codec{b: b[:PartBytes], read: true}
	c.head(p)
	rest := c.b
	for v := range p.Venues {
		if !allZero(rest) {
			return fmt.Errorf("parameter set %d: bytes that no field of this build covers", id)
		}
		at := PartBytes + v*venueBytes
		c = codec{b: b[at : at+venueBytes], read: true}
		c.venue(&p.Venues[v])
		rest = c.b
	}
	if !allZero(rest) {
		return fmt.Errorf("parameter set %d: bytes that no field of this build covers", id)
	}
	return p.Validate()
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
