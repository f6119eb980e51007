//go:build !amd64

package fix

// scan finds the SOHs of b: bit i of marks[k] is byte 64k+i. marks has room for all of
// b. It returns the sum of all bytes modulo 256.
func scan(b []byte, marks []uint64) (sum byte) { return scanWords(b, marks) }

var haveSplit bool

// split has no fast way here.
func split([]byte, *[splitTags]byte, *[splitSpans]span) (sum byte, fields, width int) { return 0, 0, 0 }
