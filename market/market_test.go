package market

import (
	"errors"
	"math/big"
	"strings"
	"testing"
)

// slowDecimal is the readable twin of ParseDecimal: exact rational arithmetic.
func slowDecimal(text string, decimals uint8) (int64, error) {
	body := strings.TrimPrefix(text, "-")
	whole, frac, _ := strings.Cut(body, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, ErrDecimal
	}
	r, ok := new(big.Rat).SetString("0" + whole + "." + frac + "0")
	if !ok {
		return 0, ErrDecimal
	}
	r.Mul(r, new(big.Rat).SetInt64(Pow10(decimals)))
	if !r.IsInt() {
		return 0, ErrPrecision
	}
	if !r.Num().IsInt64() {
		return 0, ErrOverflow
	}
	v := r.Num().Int64()
	if strings.HasPrefix(text, "-") {
		v = -v
	}
	return v, nil
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"0", "1", "-1.5", "100.2500", ".5", "5.", "", ".", "-", "1e5",
		"9223372036854775807", "9223372036854775808", "922337203685477580.8", "1.0000000001",
		"00012.30", "1.2.3", "+1", "123456789012345678901234567890"} {
		f.Add(s, uint8(4))
	}
	f.Fuzz(func(t *testing.T, s string, decimals uint8) {
		decimals %= 10
		got, err := ParseDecimal([]byte(s), decimals)
		want, wantErr := slowDecimal(s, decimals)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("ParseDecimal(%q, %d) = %d, %v; twin %d, %v", s, decimals, got, err, want, wantErr)
		}
		if err == nil && got != want {
			t.Fatalf("ParseDecimal(%q, %d) = %d; twin %d", s, decimals, got, want)
		}
		if err == nil {
			back, err := ParseDecimal(AppendDecimal(nil, got, decimals), decimals)
			if err != nil || back != got {
				t.Fatalf("AppendDecimal(%d, %d) reads back as %d, %v", got, decimals, back, err)
			}
		}
	})
}

func TestParseDecimalNamesItsErrors(t *testing.T) {
	for _, c := range []struct {
		text string
		want error
	}{{"abc", ErrDecimal}, {"1.00001", ErrPrecision}, {"9999999999999999999", ErrOverflow}, {"1.00000", nil}} {
		if _, err := ParseDecimal([]byte(c.text), 4); !errors.Is(err, c.want) {
			t.Errorf("ParseDecimal(%q, 4) error %v, want %v", c.text, err, c.want)
		}
	}
}

func TestAppendTrimmed(t *testing.T) {
	for _, c := range []struct {
		v        int64
		decimals uint8
		want     string
	}{{1000, 4, "0.1"}, {0, 4, "0"}, {-12300, 2, "-123"}, {5, 0, "5"}, {1, 9, "0.000000001"}} {
		if got := string(AppendTrimmed(nil, c.v, c.decimals)); got != c.want {
			t.Errorf("AppendTrimmed(%d, %d) = %s, want %s", c.v, c.decimals, got, c.want)
		}
	}
}

func FuzzNotional(f *testing.F) {
	f.Add(int64(1<<32), int64(1<<32))
	f.Add(int64(-5), int64(7))
	f.Add(int64(-1<<63), int64(1))
	f.Fuzz(func(t *testing.T, p, q int64) {
		got, ok := Price(p).Notional(Qty(q))
		want := new(big.Int).Mul(big.NewInt(p), big.NewInt(q))
		if ok != (want.IsInt64() && want.Int64() != -1<<63) {
			t.Fatalf("%d × %d: ok %v, product %s", p, q, ok, want)
		}
		if ok && int64(got) != want.Int64() {
			t.Fatalf("%d × %d = %d, want %s", p, q, got, want)
		}
	})
}

func TestRoundingToTicks(t *testing.T) {
	for _, c := range []struct{ p, tick, floor, ceil Price }{
		{1005, 100, 1000, 1100}, {1000, 100, 1000, 1000}, {-5, 100, -100, 0}} {
		if c.p.FloorTo(c.tick) != c.floor || c.p.CeilTo(c.tick) != c.ceil {
			t.Errorf("%d to %d: %d, %d; want %d, %d", c.p, c.tick,
				c.p.FloorTo(c.tick), c.p.CeilTo(c.tick), c.floor, c.ceil)
		}
	}
}

func TestFeeRoundsHalfAwayFromZero(t *testing.T) {
	take := Fee{PerLotMilli: 30_000} // $0.0030 a share at 4 decimals
	if got := take.Of(5_000_000, 300); got != 9000 {
		t.Errorf("take fee %d, want 9000", got)
	}
	ppm := Fee{Ppm: -25}
	if got := ppm.Of(60_000, 1); got != -2 {
		t.Errorf("rebate %d, want -2 (1.5 rounded away from zero)", got)
	}
	for _, milli := range []int64{1, -1, 500, -1499, 30_000, MaxFeePerLotMilli, -MaxFeePerLotMilli} {
		for q := int64(1); q < 5_000_000_000; q = q*3 + 1 {
			want := new(big.Int).Mul(big.NewInt(milli), big.NewInt(q))
			half := big.NewInt(500 * int64(want.Sign()))
			want.Quo(want.Add(want, half), big.NewInt(1000))
			if got := (Fee{PerLotMilli: milli}).Of(0, Qty(q)); int64(got) != want.Int64() {
				t.Fatalf("%d thousandths of %d lots are %d, want %v", milli, q, got, want)
			}
		}
	}
}

func TestFeeOfALotIsExactUpToTheLargestPrice(t *testing.T) {
	for _, ppm := range []int64{0, 1, -1, 25, 1000, -4000, 999_999, -1e6} {
		fee := Fee{PerLotMilli: 7, Ppm: ppm}
		for p := Price(1); p <= MaxPrice; p = p*3 + 1 {
			share := new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(ppm))
			share.Quo(share, big.NewInt(1000)) // towards zero
			if got := fee.AtMilli(p); got != share.Int64()+7 {
				t.Fatalf("%d ppm of %d is %d, want %d", ppm, p, got, share.Int64()+7)
			}
			if buy, sell := fee.NetMilli(Buy, p), fee.NetMilli(Sell, p); buy-fee.AtMilli(p) != int64(p)*1000 ||
				sell-fee.AtMilli(p) != -int64(p)*1000 {
				t.Fatalf("net of %d: buy %d, sell %d", p, buy, sell)
			}
		}
	}
}

func TestSides(t *testing.T) {
	if Buy.Contra() != Sell || Sell.Contra() != Buy || Buy.Sign() != 1 || Sell.Sign() != -1 {
		t.Error("sides do not mirror each other")
	}
	if !Buy.Better(99, 100) || !Sell.Better(100, 99) || Buy.Better(100, 100) {
		t.Error("Better: a buyer wants less, a seller more")
	}
}
