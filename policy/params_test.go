package policy

import (
	"math/rand/v2"
	"testing"

	"penstock/market"
)

// anyParams draws a set that is valid, with every field set.
func anyParams(r *rand.Rand) *Params {
	p := &Params{ID: r.Uint64(), NoFill: uint16(r.Uint32()), DayEdges: [DayParts - 1]uint32{1, 2, 3, r.Uint32()>>1 + 3}}
	for i := range p.SplitTake {
		p.SplitTake[i] = uint16(r.Uint32())
	}
	cost := func() int32 { return int32(r.IntN(2*maxMarkout+1)) - maxMarkout }
	fee := func() market.Fee {
		return market.Fee{PerLotMilli: r.Int64N(1000) - 500, Ppm: r.Int64N(5000) - 2500}
	}
	for i := range p.Venues {
		v := &p.Venues[i]
		v.TakeFee, v.MakeFee, v.DarkUnit = fee(), fee(), market.Qty(r.Int64N(1e9))
		v.LatencyMicros, v.HoldMicros = r.Uint32(), r.Uint32()
		v.TakeMarkout, v.AddMarkout, v.Leakage = cost(), cost(), cost()
		for c := range v.Reject {
			v.Reject[c], v.RejectMove[c] = uint16(r.Uint32()), cost()
		}
		v.RestFill, v.Known = uint16(r.Uint32()), uint8(r.Uint32())
		for b := range v.Tail {
			last := uint16(One)
			for k := range v.Tail[b] {
				last = uint16(r.IntN(int(last) + 1))
				v.Tail[b][k] = last
			}
		}
		for b := range v.Fill {
			v.Fill[b] = uint16(r.Uint32())
		}
		for c := range v.SplitPost {
			v.SplitPost[c] = uint16(r.Uint32())
		}
	}
	return p
}

func TestParamsRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, want := range []*Params{PriorParams(), anyParams(r), anyParams(r)} {
		b := want.Encode()
		var got Params
		if err := b.DecodeInto(&got, want.ID); err != nil {
			t.Fatal(err)
		}
		if got != *want {
			t.Fatalf("decoded %+v, want %+v", got, *want)
		}
		if got.Encode().Sum() != b.Sum() {
			t.Error("the checksum changed")
		}
	}
}

// Every byte of a set counts: changed, it changes the checksum, and either the set or the verdict.
func TestEveryByteOfParamsCounts(t *testing.T) {
	want := anyParams(rand.New(rand.NewPCG(2, 2)))
	b := want.Encode()
	sum := b.Sum()
	for i := range b {
		b[i] ^= 0x55
		var got Params
		if err := b.DecodeInto(&got, want.ID); err == nil && got == *want {
			t.Fatalf("byte %d has no meaning and is not refused", i)
		}
		if b.Sum() == sum {
			t.Fatalf("byte %d is not in the checksum", i)
		}
		b[i] ^= 0x55
	}
}

func TestParamsThatAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Params){
		"rising tail":   func(p *Params) { p.Venues[3].Tail[2][5] = p.Venues[3].Tail[2][4] + 1 },
		"markout":       func(p *Params) { p.Venues[0].AddMarkout = maxMarkout + 1 },
		"fee":           func(p *Params) { p.Venues[1].TakeFee.Ppm = 100_001 },
		"parts of days": func(p *Params) { p.DayEdges = [DayParts - 1]uint32{5, 4, 6, 7} },
		"unit":          func(p *Params) { p.Venues[2].DarkUnit = -1 },
	} {
		p := *PriorParams()
		spoil(&p)
		if p.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := PriorParams().Validate(); err != nil {
		t.Error(err)
	}
}

func TestBucketsStayInTheirTables(t *testing.T) {
	p := PriorParams()
	r := rand.New(rand.NewPCG(3, 3))
	for range 10_000 {
		q := func() market.Qty { return market.Qty(r.Int64N(1 << 48)) }
		lean := r.Int64N(4096) - 2048
		if b := FillBucket(q(), q(), lean); b < 0 || b >= FillBuckets {
			t.Fatalf("fill bucket %d", b)
		}
		if c := SplitCell(q(), q(), lean); c < 0 || c >= SplitCells {
			t.Fatalf("split cell %d", c)
		}
		if b := p.DarkBucket(r.Int64N(1<<62), r.Int64N(5000)); b < 0 || b >= DarkBuckets {
			t.Fatalf("dark bucket %d", b)
		}
	}
	if FillBucket(0, 0, 0) >= FillBuckets || FillBucket(0, 1000, 1024) != 0 || FillBucket(1000, 1000, -1024) != 24 {
		t.Error("corners")
	}
}

// FillPlace.Bucket finds by comparisons what a division says.
func FuzzFillBucketIsADivision(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0))
	f.Add(int64(300), int64(1000), int64(-200))
	f.Add(int64(-5), int64(4), int64(1024))
	f.Add(int64(1)<<47, int64(1)<<47, int64(9))
	f.Fuzz(func(t *testing.T, ahead, depth, lean int64) {
		ahead, depth, lean = ahead%(1<<50), depth%(1<<50), lean%2000
		queue := int64(0)
		if depth > 0 {
			queue = min(min(ahead, depth)/max(depth/5, 1), 4)
		}
		want := int(max(queue, 0))*5 + leanOf(lean, 5)
		if got := FillBucket(market.Qty(ahead), market.Qty(depth), lean); got != want {
			t.Errorf("%d of %d, lean %d: bucket %d, by division %d", ahead, depth, lean, got, want)
		}
	})
}
