package ems

import (
	"math/big"
	"testing"

	"penstock/market"
)

// slowAvgPx is avgPx by big integers: floor(n·10^extra / d + 1/2) of magnitudes.
func slowAvgPx(notional market.Notional, cum market.Qty, extra uint8) *big.Int {
	n := new(big.Int).Abs(big.NewInt(int64(notional)))
	n.Mul(n, big.NewInt(market.Pow10(extra)))
	d := big.NewInt(int64(cum))
	n.Add(n.Lsh(n, 1), d)
	n.Div(n, d.Lsh(d, 1))
	if notional < 0 {
		n.Neg(n)
	}
	return n
}

func checkAvgPx(t *testing.T, notional market.Notional, cum market.Qty) {
	t.Helper()
	v, decimals := avgPx(notional, cum, 2)
	if cum <= 0 {
		if v != 0 {
			t.Errorf("average of nothing is %d", v)
		}
		return
	}
	if want := slowAvgPx(notional, cum, decimals-2); want.Cmp(big.NewInt(v)) != 0 {
		t.Errorf("%d / %d = %d with %d decimals, want %v", notional, cum, v, decimals, want)
	}
	if extra := decimals - 2; extra < avgPxDecimals && slowAvgPx(notional, cum, extra+1).IsInt64() {
		t.Errorf("%d / %d has %d decimals, one more would fit", notional, cum, decimals)
	}
}

func TestAvgPxRoundsHalfUp(t *testing.T) {
	for _, c := range []struct {
		notional market.Notional
		cum      market.Qty
		want     int64
	}{
		{300_600, 300, 10_020_000}, {1, 3, 3333}, {2, 3, 6667}, {1, 20_000, 1}, {1, 20_001, 0},
		{3, 20_000, 2}, {-1, 20_000, -1}, {0, 5, 0}, {7, 0, 0},
	} {
		if v, _ := avgPx(c.notional, c.cum, 2); v != c.want {
			t.Errorf("%d / %d = %d, want %d", c.notional, c.cum, v, c.want)
		}
		checkAvgPx(t, c.notional, c.cum)
	}
	checkAvgPx(t, 1<<63-1, 1)
	checkAvgPx(t, -1<<63+1, 1)
	checkAvgPx(t, 1<<63-1, 1<<63-1)
}

func FuzzAvgPxAgainstBigIntegers(f *testing.F) {
	f.Add(int64(300_600), int64(300))
	f.Add(int64(1<<63-1), int64(9999))
	f.Fuzz(func(t *testing.T, notional, cum int64) {
		if notional == -1<<63 {
			return
		}
		checkAvgPx(t, market.Notional(notional), market.Qty(cum))
	})
}
