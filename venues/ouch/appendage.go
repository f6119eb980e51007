package ouch

import "encoding/binary"

// Tags of optional fields, OUCH 5.0 appendix B.
const (
	TagSecondaryRef   = 1  // u64
	TagFirm           = 2  // 4 characters
	TagMinQty         = 3  // u32
	TagCustomerType   = 4  // 1 character
	TagMaxFloor       = 5  // u32
	TagPriceType      = 6  // 1 character
	TagPegOffset      = 7  // i32
	TagPostOnly       = 12 // 1 character
	TagRandomReserves = 13 // u32
	TagRoute          = 14 // 4 characters
	TagExpireTime     = 15 // u32, s
	TagTradeNow       = 16 // 1 character
	TagHandleInst     = 17 // 1 character
	TagSide           = 27 // 1 character: of a mass cancel
	TagUserRefIdx     = 28 // u8
)

// Option returns the value of an optional field, nil when it is not there.
func (m *Message) Option(tag byte) []byte { return findOption(m.Appendage, tag) }

// An appendage is a row of {length of what follows u8, tag u8, value}.
func findOption(b []byte, tag byte) []byte {
	for len(b) >= 2 && len(b) > int(b[0]) {
		if b[1] == tag {
			return b[2 : 1+int(b[0])]
		}
		b = b[1+int(b[0]):]
	}
	return nil
}

func validAppendage(b []byte) bool {
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || len(b) < 1+n {
			return false
		}
		b = b[1+n:]
	}
	return true
}

func appendOption32(dst []byte, tag byte, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 5, tag), v)
}
