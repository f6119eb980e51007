package fix

// IDFormat is how an order number is spelled as ClOrdID(11).
type IDFormat uint8

// Formats of ClOrdID.
const (
	// IDDecimal is the plain decimal number.
	IDDecimal IDFormat = iota
	// IDUUID spells up to 18 digits in the form of a version 4 UUID, for venues
	// that accept nothing else: dddddddd-dddd-4ddd-8ddd-000000000000.
	IDUUID
)

const (
	idDigits = 18
	idLimit  = 1_000_000_000_000_000_000
	uuidText = "00000000-0000-4000-8000-000000000000"
)

func (f IDFormat) length() int {
	if f == IDUUID {
		return len(uuidText)
	}
	return idDigits
}

// fits reports whether id has the fixed length.
func (f IDFormat) fits(id uint64) bool {
	return id < idLimit && (f == IDUUID || id >= idLimit/10)
}

// put fills b, of the fixed length, and returns the sum of its bytes.
func (f IDFormat) put(b []byte, id uint64) (sum uint32) {
	if f == IDDecimal {
		return putDigits(b, id)
	}
	var d [idDigits]byte
	putDigits(d[:], id)
	copy(b, uuidText)
	copy(b[0:8], d[0:8])
	copy(b[9:13], d[8:12])
	copy(b[15:18], d[12:15])
	copy(b[20:23], d[15:18])
	for _, c := range b {
		sum += uint32(c)
	}
	return sum
}

// Append appends id; a UUID cannot spell 10^18 and more and appends nothing.
func (f IDFormat) Append(dst []byte, id uint64) []byte {
	if f == IDDecimal {
		return appendUint(dst, id)
	}
	if !f.fits(id) {
		return dst
	}
	var b [len(uuidText)]byte
	f.put(b[:], id)
	return append(dst, b[:]...)
}

// Parse is the inverse of Append: 0 is text that Append does not write, as for an
// order that is not ours.
func (f IDFormat) Parse(text []byte) (id uint64) {
	if f == IDUUID {
		return parseUUID(text)
	}
	if len(text) == 0 || len(text) > 20 || text[0] == '0' {
		return 0
	}
	for _, c := range text {
		d := uint64(c - '0')
		if d > 9 || id > (1<<64-1-d)/10 {
			return 0
		}
		id = id*10 + d
	}
	return id
}

func parseUUID(text []byte) (id uint64) {
	if len(text) != len(uuidText) {
		return 0
	}
	for i, c := range text {
		switch {
		case i < 8, i > 8 && i < 13, i > 14 && i < 18, i > 19 && i < 23:
			d := uint64(c - '0')
			if d > 9 {
				return 0
			}
			id = id*10 + d
		case c != uuidText[i]:
			return 0
		}
	}
	return id
}
