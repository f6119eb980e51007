package fix

import "encoding/binary"

// scanWords is scan for every processor, eight bytes at a time.
func scanWords(b []byte, marks []uint64) (sum byte) {
	sum = checksum(b)
	for k := 0; len(b) > 0; k++ {
		n := min(64, len(b))
		marks[k] = sohBits(b[:n])
		b = b[n:]
	}
	return sum
}

// sohBits has bit i set where b[i] is SOH; b has at most 64 bytes.
func sohBits(b []byte) (set uint64) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		const low7, gather = 0x7f7f7f7f7f7f7f7f, 0x0102040810204080
		x := binary.LittleEndian.Uint64(b[i:]) ^ 0x0101010101010101*SOH
		zero := ^(x&low7 + low7 | x | low7) // the high bit of every byte that is zero
		set |= zero >> 7 * gather >> 56 << i
	}
	for ; i < len(b); i++ {
		if b[i] == SOH {
			set |= 1 << i
		}
	}
	return set
}
