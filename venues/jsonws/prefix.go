package jsonws

import (
	"bytes"
	"encoding/binary"
)

// prefix is a text that is looked for again and again. A short one is compared by words.
type prefix struct {
	text  []byte
	words [prefixWords]uint64 // of the text, the first byte lowest
	masks [prefixWords]uint64 // all ones where it has a byte
}

const (
	prefixWords = 3
	prefixShort = 8 * prefixWords
)

// set makes p the prefix text, which it copies.
func (p *prefix) set(text []byte) {
	p.text = append(p.text[:0], text...)
	var padded, mask [prefixShort]byte
	for i := range copy(padded[:], text) {
		mask[i] = 0xFF
	}
	for k := range p.words {
		p.words[k] = binary.LittleEndian.Uint64(padded[8*k:])
		p.masks[k] = binary.LittleEndian.Uint64(mask[8*k:])
	}
}

// at reports whether b[i:] begins with p.
func (p *prefix) at(b []byte, i int) bool {
	if len(b)-i < prefixShort || len(p.text) > prefixShort {
		return bytes.HasPrefix(b[i:], p.text)
	}
	return p.differs(b[i:i+prefixShort]) == 0
}

// differs returns 0 when b, of prefixShort bytes, begins with p, which is no longer.
func (p *prefix) differs(b []byte) uint64 {
	return (binary.LittleEndian.Uint64(b)^p.words[0])&p.masks[0] |
		(binary.LittleEndian.Uint64(b[8:])^p.words[1])&p.masks[1] |
		(binary.LittleEndian.Uint64(b[16:])^p.words[2])&p.masks[2]
}
