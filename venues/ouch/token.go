package ouch

// tokenDigits spell a child's number, below 10^18, to the base of 36.
const (
	tokenDigits = 12
	tokenLimit  = 1_000_000_000_000_000_000
)

const base36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// makeToken spells a child's number, padded with blanks; it must be below tokenLimit.
func makeToken(child uint64) (t [tokenSize]byte) {
	for i := tokenDigits - 1; i >= 0; i-- {
		t[i] = base36[child%36]
		child /= 36
	}
	t[tokenDigits], t[tokenDigits+1] = ' ', ' '
	return t
}

// parseToken is the inverse of makeToken: 0 is text that it does not write, as for an
// order that is not ours.
func parseToken(t *[tokenSize]byte) (child uint64) {
	if t[tokenDigits] != ' ' || t[tokenDigits+1] != ' ' {
		return 0
	}
	for _, c := range t[:tokenDigits] {
		switch {
		case c >= '0' && c <= '9':
			child = child*36 + uint64(c-'0')
		case c >= 'A' && c <= 'Z':
			child = child*36 + uint64(c-'A'+10)
		default:
			return 0
		}
	}
	if child >= tokenLimit {
		return 0
	}
	return child
}

// Token returns how a child's number is spelled at the venue.
func Token(child uint64) string {
	t := makeToken(child % tokenLimit)
	return string(t[:tokenDigits])
}

// Child is the inverse of Token, 0 for what it does not write.
func Child(token string) uint64 {
	if len(token) != tokenDigits {
		return 0
	}
	t := [tokenSize]byte{tokenDigits: ' ', tokenDigits + 1: ' '}
	copy(t[:], token)
	return parseToken(&t)
}
