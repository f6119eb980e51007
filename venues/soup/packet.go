package soup

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Packet types.
const (
	typeLogin           = 'L'
	typeAccepted        = 'A'
	typeRejected        = 'J'
	typeSequenced       = 'S'
	typeUnsequenced     = 'U'
	typeServerHeartbeat = 'H'
	typeClientHeartbeat = 'R'
	typeLogout          = 'O'
	typeEndOfSession    = 'Z'
	typeDebug           = '+'
)

const (
	lengthSize    = 2
	packetMax     = lengthSize + 0xffff
	payloadMax    = 0xffff - 1
	userSize      = 6
	passwordSize  = 10
	sessionSize   = 10
	sequenceSize  = 20
	loginSize     = userSize + passwordSize + sessionSize + sequenceSize
	acceptedSize  = sessionSize + sequenceSize
	sequenceLimit = 1 << 62
)

// ErrPacket reports bytes that are no SoupBinTCP: a packet without a type, or one
// whose payload is not that of its type. The connection is of no use after it.
var ErrPacket = errors.New("soupbintcp: malformed packet")

// cut returns the first packet of b and how many bytes it takes, 0 while it is
// not whole.
func cut(b []byte) (kind byte, payload []byte, size int, err error) {
	if len(b) < lengthSize {
		return 0, nil, 0, nil
	}
	n := int(binary.BigEndian.Uint16(b))
	if n == 0 {
		return 0, nil, 0, fmt.Errorf("%w: length 0", ErrPacket)
	}
	if len(b) < lengthSize+n {
		return 0, nil, 0, nil
	}
	return b[lengthSize], b[lengthSize+1 : lengthSize+n], lengthSize + n, nil
}

// appendPacket appends one packet; payload has at most payloadMax bytes.
func appendPacket(dst []byte, kind byte, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(1+len(payload)))
	dst = append(dst, kind)
	return append(dst, payload...)
}

// appendLogin appends a login: user and password left-justified, the session
// right-justified (blank for the current one), the number of the first sequenced
// message wanted in ASCII, right-justified (0: only new ones).
func appendLogin(dst []byte, user, password, session string, sequence uint64) []byte {
	dst = binary.BigEndian.AppendUint16(dst, 1+loginSize)
	dst = append(dst, typeLogin)
	dst = appendLeft(dst, user, userSize)
	dst = appendLeft(dst, password, passwordSize)
	dst = appendBlanks(dst, sessionSize-len(session))
	dst = append(dst, session...)
	return AppendNumber(dst, sequence, sequenceSize)
}

func appendLeft(dst []byte, s string, width int) []byte {
	return appendBlanks(append(dst, s...), width-len(s))
}

func appendBlanks(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// AppendNumber appends v in ASCII decimal, right-justified in width bytes. A
// number that is wider is not cut.
func AppendNumber(dst []byte, v uint64, width int) []byte {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = '0' + byte(v%10)
		if v /= 10; v == 0 {
			break
		}
	}
	dst = appendBlanks(dst, width-(len(digits)-i))
	return append(dst, digits[i:]...)
}

// ParseNumber reads an ASCII decimal that may be padded with blanks on either
// side; ok is false for anything else and from 2^62 on.
func ParseNumber(b []byte) (v uint64, ok bool) {
	b = trimBlanks(b)
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if v = v*10 + uint64(c-'0'); v >= sequenceLimit {
			return 0, false
		}
	}
	return v, true
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}
