package fix

import (
	"encoding/binary"
	"unsafe"
)

// seqText is MsgSeqNum(34) as text: mostly that of the message before with a last digit one
// higher. It belongs to the session, so that each of its templates finds it ready.
type seqText struct {
	next  uint64 // the number behind it; 0: there is none yet
	text  uint64 // its last eight digits, the last one in the highest byte; '0's fill it up
	sum   uint32 // of its digits
	width int
}

// maxSeqText is how many digits a template writes; Write does longer ones.
const maxSeqText = 8

// step goes on to seq; false: by turn only.
func (x *seqText) step(seq uint64) bool {
	if seq != x.next || x.text>>56 == '9' {
		return false
	}
	x.next++
	x.text += 1 << 56
	x.sum++
	return true
}

//go:noinline
func (x *seqText) turn(seq uint64) {
	w := digits8of(seq % 100_000_000)
	x.next, x.text, x.width = seq+1, w+ascii0, digits(seq)
	x.sum = uint32(w*0x0101010101010101>>56) + uint32(x.width)*'0'
}

// idText is an order number of idDigits digits as text. Such numbers grow, so mostly only the
// last three digits change, and what an order is part of stays for a while.
type idText struct {
	id                  uint64 // 0: none yet
	first, second, last uint64 // bytes 0 to 7, 8 to 15, and 10 to 17
	sum                 uint32 // of all bytes

	base           uint64 // id with 0 for the last three digits
	lastOf, sumsOf uint64 // last and sum of it
}

// idFits reports whether a number has idDigits digits.
func idFits(id uint64) bool { return id-idLimit/10 < idLimit-idLimit/10 }

// show makes the text of id, which has that many digits.
func (x *idText) show(id uint64) {
	if id != x.id {
		x.set(id)
	}
}

func (x *idText) set(id uint64) {
	if id-x.base >= 1000 {
		x.turn(id - id%1000)
	}
	w := digits3of(id - x.base)
	x.id, x.last, x.sum = id, x.lastOf+w<<40, uint32(x.sumsOf+w*0x010101>>16&0xff)
}

// put writes the text at to.
func (x *idText) put(to unsafe.Pointer) {
	store64(to, 0, x.first)
	store64(to, 8, x.second)
	store64(to, idDigits-8, x.last)
}

//go:noinline
func (x *idText) turn(base uint64) {
	var b [idDigits]byte
	x.base, x.sumsOf = base, uint64(putDigits(b[:], base))
	x.first, x.second = binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
	x.lastOf = binary.LittleEndian.Uint64(b[idDigits-8:])
}
