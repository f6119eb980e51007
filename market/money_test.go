package market

import (
	"math/big"
	"testing"
)

// TestMoneyRoundsUp compares with exact arithmetic over every number of decimals.
func TestMoneyRoundsUp(t *testing.T) {
	for decimals := uint8(0); decimals <= 18; decimals++ {
		for n := Notional(0); n < 1<<60; n = n*7 + 3 {
			unit := new(big.Int).SetInt64(Pow10(decimals))
			want := new(big.Int).Mul(big.NewInt(int64(n)), big.NewInt(10_000))
			want.Add(want, unit).Sub(want, big.NewInt(1)).Div(want, unit)
			if want.Cmp(big.NewInt(int64(MaxMoney))) > 0 {
				want.SetInt64(int64(MaxMoney))
			}
			if got := n.Money(decimals); int64(got) != want.Int64() {
				t.Fatalf("%d with %d decimals is %d, want %d", n, decimals, got, want)
			}
		}
	}
}
