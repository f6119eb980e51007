package fix

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// SOH ends every field.
const SOH = 0x01

// MaxFrame bounds a message in bytes, header and trailer included, unless a
// Config says otherwise.
const MaxFrame = 64 << 10

// MaxFrameLimit is the highest bound: BodyLength(9) is read up to six digits.
const MaxFrameLimit = 1_000_000

const (
	maxBeginString = 16 // FIXT.1.1 has 8 characters
	maxBodyDigits  = 6
	trailerLen     = len("10=000\x01")
)

// FrameError reports bytes that are not a FIX message: garbled in the words of
// FIX 4.4 vol. 2, "Valid FIX message".
type FrameError struct {
	Offset int    // byte at which the message stops being one
	Reason string // what was expected there
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("fix: garbled message at byte %d: %s", e.Offset, e.Reason)
}

// Frame returns the length of the first message in buf, 0 when buf ends before
// it does. The message begins with BeginString(8) and BodyLength(9), is at most
// MaxFrame long and ends with the right CheckSum(10).
//
// With a *FrameError, n is how many bytes to throw away: up to the next "8=FIX",
// or the whole message when only its checksum is wrong.
func Frame(buf []byte) (n int, err error) { return FrameUpTo(buf, MaxFrame) }

// FrameUpTo is Frame with another bound, in bytes, at most MaxFrameLimit.
func FrameUpTo(buf []byte, limit int) (n int, err error) {
	if len(buf) < 2 {
		if len(buf) == 1 && buf[0] != '8' {
			return garbled(buf, 0, "BeginString(8) expected")
		}
		return 0, nil
	}
	if buf[0] != '8' || buf[1] != '=' {
		return garbled(buf, 0, "BeginString(8) expected")
	}
	at := bytes.IndexByte(buf[:min(len(buf), 2+maxBeginString+1)], SOH)
	if at < 0 {
		if len(buf) > 2+maxBeginString {
			return garbled(buf, 2, "BeginString(8) is too long")
		}
		return 0, nil
	}
	body, length, err := bodyLength(buf, at+1)
	if err != nil || body == 0 {
		if err != nil {
			return resync(buf), err
		}
		return 0, nil
	}
	end := body + length
	if end+trailerLen > limit {
		return garbled(buf, at+1, "BodyLength(9) is above the limit")
	}
	if len(buf) < end+trailerLen {
		return 0, nil
	}
	return checkTrailer(buf, end)
}

// bodyLength reads BodyLength(9) at offset at; start 0 means incomplete.
func bodyLength(buf []byte, at int) (start, length int, err error) {
	for i := at; i < len(buf); i++ {
		c := buf[i]
		switch n := i - at; {
		case n == 0 && c == '9', n == 1 && c == '=':
		case n < 2:
			return 0, 0, &FrameError{i, "BodyLength(9) expected"}
		case c >= '0' && c <= '9' && n < 2+maxBodyDigits:
			length = length*10 + int(c-'0')
		case c == SOH && n > 2:
			if length == 0 {
				return 0, 0, &FrameError{at, "BodyLength(9) is zero"}
			}
			return i + 1, length, nil
		default:
			return 0, 0, &FrameError{i, "BodyLength(9) is not a number of 1 to 6 digits"}
		}
	}
	return 0, 0, nil
}

// checkTrailer verifies the CheckSum(10) that must start at end.
func checkTrailer(buf []byte, end int) (int, error) {
	t := buf[end : end+trailerLen]
	if buf[end-1] != SOH || t[0] != '1' || t[1] != '0' || t[2] != '=' || t[6] != SOH {
		return garbled(buf, end, "CheckSum(10) expected where BodyLength(9) points")
	}
	want := 0
	for _, c := range t[3:6] {
		if c < '0' || c > '9' {
			return garbled(buf, end, "CheckSum(10) is not three digits")
		}
		want = want*10 + int(c-'0')
	}
	if int(checksum(buf[:end])) != want {
		return end + trailerLen, &FrameError{end, "CheckSum(10) does not match"}
	}
	return end + trailerLen, nil
}

func garbled(buf []byte, offset int, reason string) (int, error) {
	return resync(buf), &FrameError{offset, reason}
}

var frameStart = []byte("8=FIX")

// resync returns the offset, at least 1, at which the next message may begin. A
// cut-off "8=FI" at the end is kept.
func resync(buf []byte) int {
	if i := bytes.Index(buf[1:], frameStart); i >= 0 {
		return 1 + i
	}
	for n := min(len(frameStart)-1, len(buf)-1); n > 0; n-- {
		if bytes.HasSuffix(buf, frameStart[:n]) {
			return len(buf) - n
		}
	}
	return len(buf)
}

// checksum returns the sum of the bytes modulo 256. The even and the odd bytes of
// eight are added in 16-bit lanes, which hold 32 rounds of four words.
func checksum(b []byte) byte {
	const lanes = 0x00ff00ff00ff00ff
	var sum uint64
	for len(b) >= 32 {
		var acc uint64
		for rounds := 0; len(b) >= 32 && rounds < 32; rounds++ {
			v0, v1 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
			v2, v3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
			acc += (v0&lanes + v0>>8&lanes) + (v1&lanes + v1>>8&lanes) +
				(v2&lanes + v2>>8&lanes) + (v3&lanes + v3>>8&lanes)
			b = b[32:]
		}
		sum += acc&0xffff + acc>>16&0xffff + acc>>32&0xffff + acc>>48
	}
	for _, c := range b {
		sum += uint64(c)
	}
	return byte(sum)
}
