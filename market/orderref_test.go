package market

import "testing"

func TestOrderRef(t *testing.T) {
	for _, c := range []struct {
		id   string
		want uint64
	}{
		{"1", 1}, {"0000000042", 42}, {"9999999999999999999", 9999999999999999999},
		{"", 0}, {"NONE", 0}, {"12a", 0}, {"-1", 0}, {"12345678901234567890", 0},
		{"00000000-0000-0000-0000-0000000000ff", 0xff},
		{"00000000-0000-0001-0000-000000000002", 3},
		{"DEADBEEF-0000-4000-8000-000000000000", 0xdeadbeef00004000 ^ 0x8000000000000000},
		{"deadbeef-0000-4000-8000-000000000000", 0xdeadbeef00004000 ^ 0x8000000000000000},
		{"deadbeef-0000-4000-8000-00000000000g", 0}, {"deadbeef_0000-4000-8000-000000000000", 0},
	} {
		if got := OrderRef([]byte(c.id)); got != c.want {
			t.Errorf("OrderRef(%q) = %d, want %d", c.id, got, c.want)
		}
	}
}
