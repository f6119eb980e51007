package fixgw

import (
	"testing"
	"unsafe"
)

// TestRewarmAsksForLittle keeps the large queues out of what an idle loop asks for all at once: a
// datagram waits as long as that takes, and the caches hold little else afterwards.
func TestRewarmAsksForLittle(t *testing.T) {
	var g Gateway
	end := unsafe.Offsetof(g.stats) + unsafe.Sizeof(g.stats)
	if end > 4<<10 {
		t.Errorf("it asks for %d bytes of the gateway", end)
	}
	for name, at := range map[string]uintptr{"unsent": unsafe.Offsetof(g.unsent), "recent": unsafe.Offsetof(g.recent),
		"lane": unsafe.Offsetof(g.lane)} {
		if at < end {
			t.Errorf("%s is in it", name)
		}
	}
}
