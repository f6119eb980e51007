package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"runtime"
	"strconv"
	"testing"

	"penstock/event"
	"penstock/market"
)

func testStock(tb testing.TB, seed uint64, seconds int64, r Regime, l StockListener) *Stock {
	tb.Helper()
	s, err := NewStock(StockConfig{
		Seed: seed, Start: 1e18, Length: seconds * 1e9, Price: 1_000_000, Regime: r, Listener: l,
		Instrument: market.Instrument{Symbol: "SIM", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 100},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// eventLog hashes everything that a listener hears, except what concerns own orders
// when foreign is set.
type eventLog struct {
	hash    hash.Hash
	foreign bool
	lines   int
}

func (g *eventLog) put(words ...int64) {
	g.lines++
	for _, w := range words {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(w))
		g.hash.Write(b[:])
	}
}

func (g *eventLog) listener() StockListener {
	return StockListener{
		Book: func(v market.VenueID, c *BookChange) {
			if g.foreign && c.Price == farPrice {
				return
			}
			// Order numbers count own orders, too, so they are left out.
			g.put(1, int64(v), c.Time, int64(c.Kind), int64(c.Side), int64(c.Price), int64(c.Qty), int64(c.LevelQty))
		},
		Trade: func(v market.VenueID, t *Trade) {
			g.put(2, int64(v), t.Time, int64(t.Aggressor), int64(t.Price), int64(t.Qty))
		},
		Quote: func(v market.VenueID, q *Quote) {
			g.put(3, int64(v), q.Time, int64(q.BidPx), int64(q.AskPx), int64(q.BidQty), int64(q.AskQty))
		},
		Halt: func(v market.VenueID, now int64, halted bool) { g.put(4, int64(v), now) },
	}
}

const farPrice = 900_000

func logOf(tb testing.TB, seed uint64, seconds int64, r Regime) string {
	g := &eventLog{hash: sha256.New()}
	testStock(tb, seed, seconds, r, g.listener()).Run(1e18 + seconds*1e9)
	return hex.EncodeToString(g.hash.Sum(nil))
}

// TestStockIsTheSameEverywhere pins the event log. The hash has no architecture in its
// key: integers, tables and unfused floating point decide.
func TestStockIsTheSameEverywhere(t *testing.T) {
	const want = "7e1c2557a2e23cc710020c967ed35da70af38a2dbf654e2b16c78cd7ced86698"
	before := runtime.GOMAXPROCS(1)
	one := logOf(t, 7, 600, NominalRegime())
	runtime.GOMAXPROCS(max(2, before))
	two := logOf(t, 7, 600, NominalRegime())
	runtime.GOMAXPROCS(before)
	if one != two {
		t.Errorf("the log depends on GOMAXPROCS: %s, %s", one, two)
	}
	if one != want {
		t.Errorf("event log %s, pinned %s: a change of the market must say so", one, want)
	}
	if logOf(t, 8, 600, NominalRegime()) == one {
		t.Error("another seed gives the same log")
	}
}

// TestStockIgnoresWhoDoesNothing is R19: a run with an order that cannot trade is, but
// for that order, the run without.
func TestStockIgnoresWhoDoesNothing(t *testing.T) {
	with, without := &eventLog{hash: sha256.New(), foreign: true}, &eventLog{hash: sha256.New()}
	a := testStock(t, 3, 300, NominalRegime(), with.listener())
	b := testStock(t, 3, 300, NominalRegime(), without.listener())
	a.Run(1e18 + 20e9)
	id, _ := event.MakeID("FAR")
	a.Enter(0, Order{Owner: 1, ClOrdID: id, Side: market.Buy, Price: farPrice, Qty: 500, OrdType: market.OrdLimit, TIF: market.TIFDay})
	a.Run(1e18 + 200e9)
	request, _ := event.MakeID("CXL")
	a.Cancel(0, 1, request, id)
	a.Run(1e18 + 300e9)
	b.Run(1e18 + 300e9)
	if with.lines != without.lines || hex.EncodeToString(with.hash.Sum(nil)) != hex.EncodeToString(without.hash.Sum(nil)) {
		t.Errorf("an order far from the market changed it: %d events, %d without", with.lines, without.lines)
	}
}

// TestStockMeetsTheSameCandidates: what an agent does shifts no draw, so the
// candidates come at the same times.
func TestStockMeetsTheSameCandidates(t *testing.T) {
	a := testStock(t, 5, 300, NominalRegime(), StockListener{})
	b := testStock(t, 5, 300, NominalRegime(), StockListener{})
	for i := range int64(100) {
		at := 1e18 + (i+1)*2e9
		a.Run(at)
		b.Run(at)
		id, _ := event.MakeID("T" + string(rune('A'+i%26)) + string(rune('A'+i/26)))
		bid, _ := a.Touch()
		a.Enter(market.VenueID(i%4), Order{Owner: 1, ClOrdID: id, Side: market.Sell, Price: bid, Qty: 300,
			OrdType: market.OrdLimit, TIF: market.TIFIOC})
	}
	if a.n != b.n || a.candidate != b.candidate {
		t.Errorf("candidates %d next at %d, without the agent %d at %d", a.n, a.candidate, b.n, b.candidate)
	}
	if a.FairMilli() >= b.FairMilli() {
		t.Errorf("selling moved the fair price from %d to %d", b.FairMilli(), a.FairMilli())
	}
}

// TestStockRegimes plays every regime and looks for what must hold in all of them.
func TestStockRegimes(t *testing.T) {
	for i, r := range Regimes() {
		if testing.Short() && i%5 != 0 {
			continue
		}
		halts := 0
		s := testStock(t, 11, 1300, r, StockListener{Halt: func(market.VenueID, int64, bool) { halts++ }})
		for sec := range int64(130) {
			s.Run(1e18 + (sec+1)*10e9)
			if s.bid != 0 && s.ask != 0 && s.bid >= s.ask {
				t.Fatalf("%s: crossed at %d s: %d, %d", r.Name, sec*10, s.bid, s.ask)
			}
		}
		if want := map[bool]int{true: 2}[r.OutageFrom > 0] * map[bool]int{true: 4, false: 1}[r.HaltAll]; halts != want {
			t.Errorf("%s: %d halts and resumptions, want %d", r.Name, halts, want)
		}
		if _, ok := RegimeNamed(r.Name); !ok || s.Trades == 0 {
			t.Errorf("%s: not found by name or without trades", r.Name)
		}
	}
}

func TestStockRefusesWhatItCannotPlay(t *testing.T) {
	in := market.Instrument{Symbol: "SIM", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 100}
	good := StockConfig{Start: 1, Length: 1e9, Price: 1_000_000, Instrument: in, Regime: NominalRegime()}
	for name, edit := range map[string]func(*StockConfig){
		"price off the tick": func(c *StockConfig) { c.Price = 1_000_050 },
		"no length":          func(c *StockConfig) { c.Length = 0 },
		"odd tick":           func(c *StockConfig) { c.Instrument.Tick, c.Price = 125, 1_000_000 },
		"unknown lengths":    func(c *StockConfig) { c.Regime.LengthPercent = 1 },
	} {
		cfg := good
		edit(&cfg)
		if _, err := NewStock(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// BenchmarkStockSecond is the speed of the market with an own order a second, dark pools
// and dealers in it.
func BenchmarkStockSecond(b *testing.B) {
	b.ReportAllocs()
	var candidates uint64
	var s *Stock
	second := int64(0)
	for b.Loop() {
		if second%3600 == 0 {
			if s != nil {
				candidates += s.Candidates
			}
			s, second = testStock(b, uint64(b.N), 3600, NominalRegime(), StockListener{}), 0
		}
		second++
		s.Run(1e18 + second*1e9)
		id, _ := event.MakeID("B" + strconv.FormatInt(second, 10))
		bid, _ := s.Touch()
		s.Enter(market.VenueID(second%4), Order{Owner: 1, ClOrdID: id, Side: market.Buy, Price: bid, Qty: 200,
			OrdType: market.OrdLimit, TIF: market.TIFDay})
	}
	b.ReportMetric(float64(candidates+s.Candidates)/b.Elapsed().Seconds()/1e6, "Mcandidates/s")
}
