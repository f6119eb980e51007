package market

// OrderRef returns the number under which a venue's order-by-order feed shows the
// order that it calls id in OrderID(37): the number itself where id is one of at
// most 19 digits, and for a UUID the exclusive or of its two halves, as the
// decoders of such feeds make it too. 0 stands for every other spelling: unknown.
//
// Two of n orders with random UUIDs get the same number with odds of n²/2^123; a
// book that meets such a pair sees a contradiction and begins again.
func OrderRef(id []byte) uint64 {
	if len(id) == 36 {
		return uuidRef(id)
	}
	if len(id) == 0 || len(id) > 19 {
		return 0
	}
	n := uint64(0)
	for _, c := range id {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// uuidRef reads the form of RFC 9562 §4; id has its length.
func uuidRef(id []byte) uint64 {
	var hi, lo uint64
	for i, c := range id[:36] {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return 0
			}
			continue
		}
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0
		}
		hi, lo = hi<<4|lo>>60, lo<<4|uint64(c)
	}
	return hi ^ lo
}
