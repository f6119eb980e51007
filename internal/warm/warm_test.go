package warm

import "testing"

func TestEveryLineIsRead(t *testing.T) {
	var lines [5][line]byte
	for i := range lines {
		lines[i][0] = 1
	}
	lines[4][line-1] = 100
	if got := Of(&lines); got != 105 {
		t.Errorf("%d: a line was left out", got)
	}
	if got := Slice(lines[:3]); got != 3 {
		t.Errorf("%d of three lines", got)
	}
	if Slice([]byte(nil)) != 0 || Slice([]byte{7}) != 14 {
		t.Error("few bytes")
	}
}
