package fix

import (
	"encoding/binary"
	"unsafe"
)

// seqText is MsgSeqNum(34) as text, but for what the last digit has more than '0'. It belongs to
// the session, so that each of its templates finds it ready.
type seqText struct {
	base  uint64 // the number; it ends with 0
	text  uint64 // its last eight digits, the last one in the highest byte; '0's fill it up
	sum   uint64 // of its digits
	width int
	// serves is how many numbers from base on it is good for, and the store ahead of; 0: none.
	serves uint64
}

// maxSeqText is how many digits a template writes; Write does more.
const maxSeqText = 8

//go:noinline
func (x *seqText) turn(seq uint64) {
	x.base, x.serves = seq-seq%10, 10
	w := digits8of(x.base % 100_000_000)
	x.text, x.width = w+ascii0, digits(x.base)
	x.sum = w*0x0101010101010101>>56 + uint64(x.width)*'0'
}

// idText is an order number of idDigits digits as text, but for what the last three digits have
// more than '0': such numbers grow, so mostly only they change.
type idText struct {
	base uint64   // the number, with 0 for its last three digits
	head [16]byte // its first digits,
	last uint64   // and its last eight
	sum  uint64   // of all
}

// idTurn is how many numbers one base serves.
const idTurn = 1000

// idFits reports whether a number has idDigits digits.
func idFits(id uint64) bool { return id-idLimit/10 < idLimit-idLimit/10 }

// cover takes the base of id, which has that many digits.
func (x *idText) cover(id uint64) {
	if id-x.base >= idTurn {
		x.turn(id - id%idTurn)
	}
}

// put writes id, which the base serves, at to, and returns the sum of its digits.
func (x *idText) put(to unsafe.Pointer, id uint64) uint64 {
	w := uint64(threes[(id-x.base)%uint64(len(threes))])
	*(*[16]byte)(to) = x.head
	store64(to, idDigits-8, x.last+w<<40)
	return x.sum + w>>24
}

//go:noinline
func (x *idText) turn(base uint64) {
	var b [idDigits]byte
	x.base, x.sum = base, uint64(putDigits(b[:], base))
	x.head, x.last = [16]byte(b[:]), binary.LittleEndian.Uint64(b[idDigits-8:])
}
