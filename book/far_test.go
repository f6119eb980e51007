package book

import (
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/market"
)

// checkLadder compares a ladder with the keys that its twin holds, the best last, and looks at
// its leaves.
func checkLadder(t *testing.T, l *Ladder, want []int64) {
	t.Helper()
	if l.Len() != len(want) {
		t.Fatalf("%d levels, twin %d", l.Len(), len(want))
	}
	for i := range want {
		if got, key := l.At(i), want[len(want)-1-i]; int64(got.Price)*l.sign != key || int64(got.Qty) != key*key%97+1 {
			t.Fatalf("level %d is %+v, twin %d", i, got, key)
		}
	}
	if l.beyond > 0 && l.count < nearLow {
		t.Fatalf("%d levels are near and %d far", l.count, l.beyond)
	}
	sum := 0
	for j, b := range l.far {
		keys := l.pool.leaves[b.leaf].keys[:b.n]
		sum += int(b.n)
		if len(keys) == 0 || !slices.IsSorted(keys) || l.floors[j] > keys[0] {
			t.Fatalf("leaf %d: floor %d of %v", j, l.floors[j], keys)
		}
		if j == 0 {
			continue
		}
		before := l.far[j-1]
		if last := l.pool.leaves[before.leaf].keys[before.n-1]; l.floors[j] <= last {
			t.Fatalf("leaf %d has floor %d, and the one before goes up to %d", j, l.floors[j], last)
		}
		if before.n+b.n <= leafHalf {
			t.Fatalf("leaves %d and %d have %d and %d levels and are two", j-1, j, before.n, b.n)
		}
	}
	if sum != int(l.beyond) || len(l.far) > leavesFor(int(l.capacity)) {
		t.Fatalf("%d levels in %d leaves, counted %d", sum, len(l.far), l.beyond)
	}
}

// driveLadder sets and deletes levels as told, two bytes each.
func driveLadder(t *testing.T, capacity int, ops []byte) {
	l := NewLadder(market.Buy, capacity)
	var twin []int64
	for n := 0; len(ops) >= 2; ops, n = ops[2:], n+1 {
		key := int64(ops[0])<<3 | int64(ops[1]>>5) + 1
		at, found := slices.BinarySearch(twin, key)
		if ops[1]&31 < 14 {
			l.Set(market.Price(key), 0)
			if found {
				twin = slices.Delete(twin, at, at+1)
			}
		} else {
			l.Set(market.Price(key), market.Qty(key*key%97+1))
			if !found {
				twin = slices.Insert(twin, at, key)
			}
			if len(twin) > capacity {
				twin = slices.Delete(twin, 0, 1)
			}
		}
		if n%64 == 0 || len(ops) < 4 {
			checkLadder(t, &l, twin)
		}
	}
	l.Clear()
	checkLadder(t, &l, nil)
	left := 0
	for l.pool.leafLeft() {
		l.pool.takeLeaf()
		left++
	}
	if left != leavesFor(capacity) {
		t.Fatalf("%d leaves of %d came back", left, leavesFor(capacity))
	}
}

// FuzzLadder compares a ladder of many levels, and one that is often full, with a sorted list.
func FuzzLadder(f *testing.F) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(31, seed))
		ops := make([]byte, 2*[]int{200, 1500}[seed%2])
		for i := range ops {
			ops[i] = byte(r.Uint32())
			if phase := i * 4 / len(ops); i%2 == 1 && phase%2 == int(seed/2)%2 {
				ops[i] = ops[i]&^31 | byte(r.IntN(40)*31/39) // it grows and shrinks
			}
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		driveLadder(t, 2048, ops)
		driveLadder(t, 60, ops)
	})
}

// Leaves that are as empty as they may be are those that a pool must have: ladders of one venue
// are filled in order and thinned out so that every second leaf keeps one level.
func TestPoolHasLeavesForSparseLadders(t *testing.T) {
	const orders, ladders = 1700, 3
	o := NewOrders(orders)
	key := int64(0)
	var all [ladders]Ladder
	for i := range all {
		all[i] = newLadder(market.Buy, 1<<12, o.pool)
	}
	living := 0
	for living < orders {
		for i := range all {
			l := &all[i]
			for range 2 * leafKeys { // two leaves at the best end
				key++
				l.Set(market.Price(key), 1)
			}
			for len(l.far) >= 4 && l.far[len(l.far)-3].n == leafKeys {
				j := len(l.far) - 3
				for n := leafKeys; n > 1; n-- {
					l.Set(market.Price(l.pool.leaves[l.far[j].leaf].keys[0]), 0)
				}
				j--
				for l.far[j].n > leafHalf {
					l.Set(market.Price(l.pool.leaves[l.far[j].leaf].keys[0]), 0)
				}
			}
		}
		living = 0
		for i := range all {
			living += all[i].Len()
		}
	}
	sparse := 0
	for i := range all {
		for j := range all[i].far {
			if all[i].far[j].n == 1 {
				sparse++
			}
		}
	}
	if sparse < 30 {
		t.Fatalf("only %d leaves of one level", sparse)
	}
}
