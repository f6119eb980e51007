package jsonws

import (
	"math/rand/v2"
	"testing"

	"penstock/market"
)

// quotedAt reads what decimalAt reads, whatever the numbers look like and however
// little follows on them.
func TestQuotedNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	const letters = `0123456789012345678900000..""",]-e `
	ahead := []byte(`12"3.45"6789"0.12"34`)
	b := make([]byte, 40)
	good := 0
	for range 400_000 {
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		if r.IntN(2) == 0 {
			whole := 1 + r.IntN(9)
			end := whole + 1 + r.IntN(10)
			b[whole], b[end] = '.', '"'
			for i := range end {
				if i != whole {
					b[i] = '0' + byte(r.IntN(10))
				}
			}
		}
		text, decimals := b[:r.IntN(len(b)+1)], uint8(r.IntN(10))
		want, next := decimalAt(text, 0, decimals)
		if next < 0 || next >= len(text) || text[next] != '"' {
			want, next = 0, -1
		} else {
			good++
		}
		front := 0
		for next > 0 && text[front] != '.' && text[front] != '"' {
			front++
		}
		before := r.IntN(len(ahead) + 1)
		all := append(ahead[:before:before], text...)
		if next >= 0 {
			next += before
		}
		if got, n, at := quotedAt(all, before, decimals); at != next || next > 0 && (got != want || n != front) {
			t.Fatalf("%q behind %d bytes at %d: %d to %d, %d digits before the point; want %d to %d, %d",
				text, before, decimals, got, at, n, want, next, front)
		}
	}
	if good < 50_000 {
		t.Errorf("only %d numbers", good)
	}
}

// What a level contributes to a checksum is the same however it is collected.
func TestChecksumTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 100_000 {
		b := []byte(`["`)
		number := func() (start, size, front int) {
			start = len(b)
			front = 1 + r.IntN(9)
			for i := range front {
				digit := byte(r.IntN(10))
				if i == 0 && digit < 4 {
					digit, front = 0, 1
				}
				if b = append(b, '0'+digit); front == 1 {
					break
				}
			}
			if back := r.IntN(11); back > 0 {
				b = append(b, '.')
				zeros := r.IntN(back + 1)
				for i := range back {
					digit := byte(0)
					if i >= zeros {
						digit = byte(r.IntN(10))
					}
					b = append(b, '0'+digit)
				}
			}
			size = len(b) - start
			b = append(b, `","`...)
			return start, size, front
		}
		price, priceSize, priceFront := number()
		qty, qtySize, qtyFront := number()
		b = append(b, `1618678133.929074"]]}`[:r.IntN(21)]...)
		var got, want sumText
		got.addDigitsAt(b, price, priceSize, priceFront)
		got.addDigitsAt(b, qty, qtySize, qtyFront)
		want.keepDigits(b[price:price+priceSize], b[qty:qty+qtySize])
		if string(got.text[:got.size]) != string(want.text[:want.size]) {
			t.Fatalf("%s: %s, want %s", b, got.text[:got.size], want.text[:want.size])
		}
		if priceSize <= wide && qtySize <= wide && len(b)-qty >= wide {
			got.keepAt(b, price, priceSize, qty, qtySize)
			want.keep(b[price:price+priceSize], b[qty:qty+qtySize])
			if string(got.text[:got.size]) != string(want.text[:want.size]) {
				t.Fatalf("%s: %s, want %s", b, got.text[:got.size], want.text[:want.size])
			}
		}
	}
}

// A side is what a map and a search for the best say it is, through clears, cuts
// and prices that come back, and is stale when its best levels may have changed.
func TestTextSides(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, name := range []market.Side{market.Buy, market.Sell} {
		const top = 5
		side := newTextSide(name, 20, top)
		levels := map[int64]int64{}
		best := func() (list []int64) {
			for i := range int64(3000) {
				price := i
				if name == market.Buy {
					price = 2999 - i
				}
				if _, ok := levels[price]; ok {
					list = append(list, price)
				}
			}
			return list
		}
		before, center := [][2]int64(nil), 1500
		for n := range share(30_000, 3_000) {
			center = min(max(center+r.IntN(3)-1, 300), 2700)
			price, qty := int64(center+r.IntN(200)-100), int64(r.IntN(3))
			was, ok := levels[price]
			changed := false
			if qty == 0 {
				changed = side.remove(price)
				delete(levels, price)
			} else {
				changed = side.put(&textLevel{price: price, qty: qty})
				levels[price] = qty
			}
			if changed != (was != qty || ok != (qty != 0)) {
				t.Fatalf("%d: %d at %d was %d %v: changed %v", n, qty, price, was, ok, changed)
			}
			for len(levels) > 90 {
				list := best()
				worst := list[len(list)-1]
				if got := side.drop(); got != worst {
					t.Fatalf("%d: dropped %d, want %d", n, got, worst)
				}
				delete(levels, worst)
			}
			if r.IntN(5000) == 0 {
				side.clear()
				clear(levels)
			}
			if side.size() != len(levels) {
				t.Fatalf("%d: %d levels, want %d", n, side.size(), len(levels))
			}
			i, now := len(side.keys), [][2]int64(nil)
			list := best()
			for k, price := range list {
				body, at := side.next(i)
				if body == nil || side.rank(side.keys[at].rank) != price || body.qty != levels[price] {
					t.Fatalf("%d: level %d is wrong", n, k)
				}
				if i = at; k < top {
					now = append(now, [2]int64{price, body.qty})
				}
			}
			if body, _ := side.next(i); body != nil {
				t.Fatalf("%d: more levels than %d", n, len(list))
			}
			same := len(now) == len(before)
			for k := range now {
				same = same && now[k] == before[k]
			}
			if !same && !side.stale {
				t.Fatalf("%d: the best changed and the side is not stale", n)
			}
			before, side.stale = now, false
		}
	}
}
