package loop

import "testing"

func TestAutoChoosesByCores(t *testing.T) {
	for _, c := range []struct {
		wanted Idle
		cores  int
		pinned bool
		want   Idle
	}{
		{IdleAuto, 1, false, IdlePark},
		{IdleAuto, 2, false, IdlePark},
		{IdleAuto, 4, false, IdlePause},
		{IdleAuto, 2, true, IdleSpin},
		{IdleAuto, 64, true, IdleSpin},
		{IdleAuto, 1, true, IdlePark}, // pinned to what everything else needs
		{IdleSpin, 1, false, IdleSpin},
		{IdleYield, 64, true, IdleYield},
		{IdlePark, 64, true, IdlePark},
	} {
		if got := c.wanted.On(c.cores, c.pinned); got != c.want {
			t.Errorf("%v on %d cores, pinned %v: %v", c.wanted, c.cores, c.pinned, got)
		}
	}
	for i := IdlePark; i <= IdleAuto; i++ {
		if got, err := ParseIdle(i.String()); err != nil || got != i {
			t.Errorf("%v reads back as %v, %v", i, got, err)
		}
	}
	if _, err := ParseIdle("doze"); err == nil {
		t.Error("doze was taken for a strategy")
	}
}
