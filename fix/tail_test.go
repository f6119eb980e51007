package fix

import (
	"encoding/binary"
	"fmt"
	"testing"
	"unsafe"

	"penstock/market"
)

func FuzzPutDecimal(f *testing.F) {
	f.Add(uint64(1), uint8(0))
	f.Add(uint64(99999999), uint8(7))
	f.Add(uint64(1002500), uint8(4))
	f.Add(uint64(100000000), uint8(9))
	f.Add(uint64(0), uint8(3))
	f.Fuzz(func(t *testing.T, v uint64, decimals uint8) {
		decimals, v = decimals%10, max(v&(1<<63-1), 1) // a field with zero is left out
		var b [48]byte
		field := newTailField(TagOrderQty, decimals)
		end, sum := field.put(unsafe.Pointer(&b), 0, 0, v)
		want := market.AppendTrimmed([]byte("\x0138="), int64(v), decimals)
		if string(b[:end]) != string(want) || byte(sum+uint64(end)*'0') != slowSum(want) {
			t.Fatalf("%d with %d decimals: %q sum %d, twin %q", v, decimals, b[:end], sum, want)
		}
	})
}

// TestFewDigitsAreThoseOfSprintf goes through all that digits3of and digits4of can be asked.
func TestFewDigitsAreThoseOfSprintf(t *testing.T) {
	for v := range uint64(10_000) {
		want := []byte(fmt.Sprintf("%04d", v))
		var got [8]byte
		binary.LittleEndian.PutUint64(got[:], digits4of(v)+ascii0)
		if string(got[:4]) != string(want) {
			t.Fatalf("%d: %q", v, got)
		}
		if binary.LittleEndian.PutUint64(got[:], digits3of(v%1000)+ascii0); string(got[:3]) != string(want[1:]) {
			t.Fatalf("%d: %q", v%1000, got)
		}
	}
}
