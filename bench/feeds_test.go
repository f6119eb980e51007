package bench

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
	"penstock/venues/jsonws"
)

// feeds are the messages of several venues in one order of time, as they lie in
// memory, and what decodes them.
type feeds struct {
	name        string
	instruments []market.Instrument
	limits      []market.Price // at which buying is always possible, by instrument
	venues      int
	byOrder     bool
	levels      int
	orders      int // displayed on one venue together, at most
	data        []byte
	messages    []span
	setup       int // the first messages, which make the books
	decoders    func(tb testing.TB, sink event.Sink) []decode
	rewarm      []func(market.InstrumentID) // of the decoders made last, where they have it
}

// span is one message.
type span struct {
	venue    uint32
	from, to uint32
}

// decode takes the bytes of one message.
type decode func(now int64, m []byte) error

func (f *feeds) add(venue int, m []byte) {
	from := len(f.data)
	f.data = append(f.data, m...)
	f.messages = append(f.messages, span{uint32(venue), uint32(from), uint32(len(f.data))})
}

// again adds the last message for another venue.
func (f *feeds) again(venue int) {
	s := f.messages[len(f.messages)-1]
	s.venue = uint32(venue)
	f.messages = append(f.messages, s)
}

func (f *feeds) message(i int) []byte {
	s := &f.messages[i]
	return f.data[s.from:s.to:s.to]
}

const midnight = 1_800_000_000_000_000_000

// itchFeeds makes the streams of ITCH 5.0 venues that list the same instruments:
// the mix of a Nasdaq day on each, around one middle, so that they never cross and
// any of them may have the best price. After every flickerEvery messages of the mix
// comes one that adds an order within the spread, or deletes it: they make the touch
// move.
func itchFeeds(instruments, venues, messages, flickerEvery int) *feeds {
	return streamFeeds(100, instruments, venues, func(v int, s *itchStream) {
		flicker := newFlicker(s)
		for n := range messages / venues {
			s.step()
			if n%flickerEvery == v%flickerEvery {
				flicker.step()
			}
		}
	})
}

// flickerFeeds are of one instrument, and of other orders than itchFeeds: offers and bids come within the
// spread and go again, and nothing else happens.
func flickerFeeds(venues, messages int) *feeds {
	return streamFeeds(900, 1, venues, func(_ int, s *itchStream) {
		flicker := newFlicker(s)
		for range messages / venues {
			flicker.step()
		}
	})
}

// streamFeeds are the streams of venues, which run once their books are built; seed begins their randomness.
func streamFeeds(seed uint64, instruments, venues int, run func(v int, s *itchStream)) *feeds {
	f := &feeds{name: "itch", venues: venues, byOrder: true, levels: 256}
	load := itchLoad{"venue", instruments, 1.05, liveOrders * instruments, 0}
	f.orders = 1 << 16
	streams := make([]*itchStream, venues)
	built := make([]int, venues)
	for v := range streams {
		s := newITCHStream(load, seed+uint64(v))
		built[v] = s.count
		run(v, s)
		streams[v] = s
	}
	for i := range instruments {
		f.instruments = append(f.instruments, market.Instrument{ID: market.InstrumentID(i),
			Symbol: strings.TrimRight(string(streams[0].listings[i].name[:]), " "), Currency: "USD", PriceDecimals: 4, Tick: 1, Lot: 1})
		f.limits = append(f.limits, market.Price(commonMiddle(i)+150)*100)
	}
	left := make([][][]byte, venues)
	for v, s := range streams {
		left[v] = s.split()
		for _, m := range left[v][:built[v]] {
			f.add(v, m)
		}
		left[v] = left[v][built[v]:]
	}
	f.setup = len(f.messages)
	for rng := rand.New(rand.NewPCG(7, 7)); ; {
		v := rng.IntN(venues)
		if len(left[v]) == 0 {
			break
		}
		f.add(v, left[v][0])
		left[v] = left[v][1:]
	}
	f.decoders = func(tb testing.TB, sink event.Sink) (all []decode) {
		f.rewarm = nil
		for v := range venues {
			c := itch.Config{Venue: market.VenueID(v), Midnight: func(int64) int64 { return midnight }, Sink: sink}
			for i := range f.instruments {
				c.Symbols = append(c.Symbols, itch.Symbol{Text: f.instruments[i].Symbol, ID: market.InstrumentID(i), PriceDecimals: 4})
			}
			d, err := itch.NewDecoder(c)
			if err != nil {
				tb.Fatal(err)
			}
			d.Reset(midnight)
			d.Live(midnight)
			all = append(all, d.Decode)
			f.rewarm = append(f.rewarm, d.Rewarm)
		}
		return all
	}
	return f
}

// commonMiddle is the middle of an instrument on every venue, in ticks.
func commonMiddle(instrument int) int32 { return 5_000 + 100*int32(instrument%100) }

// liveOrders are displayed for each instrument on each venue.
const liveOrders = 30

// flicker adds an order within the spread of a stream's instruments and deletes it.
type flicker struct {
	s     *itchStream
	ref   uint64
	open  int // instrument of the displayed order
	shown bool
}

// flickerRefs is the first reference of such orders.
const flickerRefs = 1 << 21

func newFlicker(s *itchStream) *flicker { return &flicker{s: s, ref: flickerRefs} }

func (f *flicker) step() {
	if f.shown {
		f.shown = false
		binary.BigEndian.PutUint64(f.s.message('D', f.open, 19)[11:], f.ref)
		return
	}
	f.shown, f.open = true, f.s.pick()
	f.ref++
	l := &f.s.listings[f.open]
	m := f.s.message('A', f.open, 36)
	binary.BigEndian.PutUint64(m[11:], f.ref)
	side, away := byte('S'), int32(1+f.s.rng.IntN(99))
	if f.s.rng.IntN(4) == 0 {
		side, away = 'B', -away
	}
	m[19] = side
	binary.BigEndian.PutUint32(m[20:], uint32(1+f.s.rng.IntN(5))*100)
	copy(m[24:], l.name[:])
	binary.BigEndian.PutUint32(m[32:], uint32(l.middle*100+away))
}

// split returns the messages with their prices moved to the common middle and each
// order at a place of its own within its cent.
func (s *itchStream) split() (all [][]byte) {
	for at := 0; at < len(s.data); {
		size := int(binary.BigEndian.Uint16(s.data[at:]))
		m := s.data[at+2 : at+2+size]
		switch m[0] {
		case 'A', 'F', 'C':
			s.place(m, 32, 11)
		case 'U':
			s.place(m, 31, 19)
		}
		all = append(all, m)
		at += 2 + size
	}
	return all
}

// place rewrites the price of m, given where price and order reference lie.
func (s *itchStream) place(m []byte, price, ref int) {
	i := int(binary.BigEndian.Uint16(m[1:])) - 1
	id := binary.BigEndian.Uint64(m[ref:])
	away := int32(binary.BigEndian.Uint32(m[price:])) - s.listings[i].middle*100
	within := int32(id * 37 % 100)
	if id >= flickerRefs {
		within = 0
	} else if away < 0 {
		within = -within
	}
	binary.BigEndian.PutUint32(m[price:], uint32(commonMiddle(i)*100+away+within))
}

// recordedFeeds plays a recording of Binance (BTC perpetual with coins as margin,
// five minutes, half of its depth messages have six levels or fewer) as venues that follow each other: the
// first has the book as it was, each further one the same with both sides further
// from the middle, so that the first makes the touch and the others the depth. It
// returns nil where there are no recordings.
func recordedFeeds(tb testing.TB, venues, lines int) *feeds {
	path := filepath.Join(dataDir(), "crypto", "binance-3books", "cm_btcusd_perp_20240808.gz")
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	f := &feeds{name: "binance", venues: venues, levels: 4096, limits: []market.Price{640_000},
		instruments: []market.Instrument{{Symbol: "BTCUSD_PERP", Currency: "USD", PriceDecimals: 1, QtyDecimals: 6, Tick: 1, Lot: 1}}}
	scan := bufio.NewScanner(z)
	scan.Buffer(nil, 1<<20)
	for n := 0; n < lines && scan.Scan(); n++ {
		_, m, ok := bytes.Cut(scan.Bytes(), []byte(" "))
		if !ok {
			tb.Fatalf("%s: line %d has no time", path, n+1)
		}
		f.add(0, m)
		for v := 1; v < venues; v++ {
			f.again(v)
		}
		if bytes.HasPrefix(m, []byte(`{"lastUpdateId"`)) {
			f.setup = len(f.messages) + 1000*venues
		}
	}
	if err := scan.Err(); err != nil || f.setup == 0 || f.setup >= len(f.messages) {
		tb.Fatalf("%s: %d messages, books made after %d: %v", path, len(f.messages), f.setup, err)
	}
	f.decoders = binanceDecoders(f)
	return f
}

// binanceDecoders returns what makes a decoder for each venue.
func binanceDecoders(f *feeds) func(tb testing.TB, sink event.Sink) []decode {
	return func(tb testing.TB, sink event.Sink) (all []decode) {
		for v := range f.venues {
			apart := market.Price(20 * v)
			c := jsonws.Config{Venue: market.VenueID(v), StallNanos: 1, Symbols: []jsonws.Symbol{
				{Text: "BTCUSD_PERP", PriceDecimals: 1, QtyDecimals: 6, Contract: 100}}, Sink: func(e *event.Event) bool {
				if e.Kind == event.BookLevel {
					e.Price -= apart * market.Price(e.Side.Sign())
				}
				return sink(e)
			}}
			d, err := jsonws.NewBinance(jsonws.BinanceConfig{Config: c, Market: jsonws.BinanceFutures, Buffered: jsonws.DefaultBuffered})
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, func(now int64, m []byte) error {
				if m[2] == 'l' { // {"lastUpdateId"
					return d.TakeSnapshot(now, "BTCUSD_PERP", m)
				}
				return d.Receive(now, m)
			})
		}
		return all
	}
}

// dataDir is the folder of recordings.
func dataDir() string {
	if dir := os.Getenv("PENSTOCK_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "shared", "data")
}

func (f *feeds) String() string {
	return fmt.Sprintf("%s, %d venues, %d instruments", f.name, f.venues, len(f.instruments))
}
