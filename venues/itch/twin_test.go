package itch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"

	"penstock/event"
	"penstock/market"
)

// twin is the slow decoder: every message is a Go struct read by encoding/binary,
// every price a big.Rat, every order a map entry. It shares no code with Decoder
// and keeps no book states: only depth and trades.
type twin struct {
	venue    market.VenueID
	midnight int64
	symbols  []Symbol
	listed   map[uint16]int
	broken   map[int]bool
	events   []event.Event
}

var errTwin = errors.New("twin refuses")

type header struct {
	Type     byte
	Locate   uint16
	Tracking uint16
	Time     [6]byte
}

type (
	wireSystem  struct{ Event byte }
	wireListing struct {
		Stock [8]byte
		Rest  [20]byte
	}
	wireAction struct {
		Stock  [8]byte
		State  byte
		_      byte
		Reason [4]byte
	}
	wireCollar struct {
		Stock                   [8]byte
		Reference, Upper, Lower uint32
		Extension               uint32
	}
	wireBreach struct{ Level byte }
	wireOutage struct {
		Stock  [8]byte
		Market byte
		Action byte
	}
	wireCross struct {
		Shares uint64
		Stock  [8]byte
		Price  uint32
		Match  uint64
		Type   byte
	}
	wireAdd struct {
		Ref    uint64
		Side   byte
		Shares uint32
		Stock  [8]byte
		Price  uint32
	}
	wireAddMPID struct {
		wireAdd
		MPID [4]byte
	}
	wireExecuted struct {
		Ref    uint64
		Shares uint32
		Match  uint64
	}
	wireExecutedAt struct {
		wireExecuted
		Printable byte
		Price     uint32
	}
	wireCancel struct {
		Ref    uint64
		Shares uint32
	}
	wireDelete  struct{ Ref uint64 }
	wireReplace struct {
		Old, New uint64
		Shares   uint32
		Price    uint32
	}
	wireTrade struct {
		Ref    uint64
		Side   byte
		Shares uint32
		Stock  [8]byte
		Price  uint32
		Match  uint64
	}
)

// specLengths is typed in again from the table of the specification.
const specLengths = "S12 R39 H25 Y20 L26 V35 W12 K28 J35 h21 A36 F40 E31 C36 X23 D19 U35 P44 Q40 B19 I50 N20 O48"

func newTwin(c Config) *twin {
	return &twin{venue: c.Venue, midnight: c.Midnight(0), symbols: c.Symbols,
		listed: map[uint16]int{}, broken: map[int]bool{}}
}

func specLength(t byte) int {
	for _, word := range strings.Fields(specLengths) {
		if word[0] == t {
			n := 0
			for _, c := range word[1:] {
				n = n*10 + int(c-'0')
			}
			return n
		}
	}
	return 0
}

func (t *twin) decode(now int64, msg []byte) error {
	t.events = t.events[:0]
	if len(msg) == 0 || specLength(msg[0]) != len(msg) {
		if len(msg) > 0 && specLength(msg[0]) == 0 {
			return errTwin
		}
		for i := range t.symbols {
			if at, ok := t.listed[binary.BigEndian.Uint16(append(msg, 0, 0, 0)[1:])]; len(msg) < 3 ||
				ok && at == i {
				t.broken[i] = true
			}
		}
		return errTwin
	}
	var h header
	rest := bytes.NewReader(msg)
	t.read(rest, &h)
	at, listed := t.listed[h.Locate]
	var err error
	switch {
	case h.Type == 'S':
		var m wireSystem
		t.read(rest, &m)
		if !strings.ContainsRune("OSQMEC", rune(m.Event)) {
			t.broken[at] = t.broken[at] || listed
			return errTwin
		}
		return nil
	case h.Type == 'W':
		var m wireBreach
		t.read(rest, &m)
		if !strings.ContainsRune("123", rune(m.Level)) {
			if listed && !t.broken[at] {
				t.broken[at] = true
			}
			return errTwin
		}
		return nil
	case h.Type == 'R':
		return t.listing(rest, h)
	case !listed || t.broken[at]:
		return nil
	}
	e := event.Event{RecvTime: now, SrcTime: t.midnight, Venue: t.venue, Instrument: t.symbols[at].ID}
	for i, shift := range []uint{40, 32, 24, 16, 8, 0} {
		e.SrcTime += int64(h.Time[i]) << shift
	}
	if err = t.apply(rest, h.Type, t.symbols[at], e); err != nil {
		t.broken[at], t.events = true, nil
	}
	return err
}

func (t *twin) listing(rest *bytes.Reader, h header) error {
	var m wireListing
	t.read(rest, &m)
	name := strings.TrimRight(string(m.Stock[:]), " ")
	bound, isBound := t.listed[h.Locate]
	for i, s := range t.symbols {
		if s.Text != name || len(s.Text) > 8 || string(m.Stock[:]) != (s.Text + "        ")[:8] {
			continue
		}
		other := false
		for l, j := range t.listed {
			other = other || j == i && l != h.Locate
		}
		switch {
		case isBound && bound == i:
			return nil
		case isBound:
			t.broken[bound] = true
			return errTwin
		case other:
			t.broken[i] = true
			return errTwin
		}
		t.listed[h.Locate] = i
		return nil
	}
	if isBound {
		t.broken[bound] = true
		return errTwin
	}
	return nil
}

func (t *twin) read(r *bytes.Reader, into any) {
	if err := binary.Read(r, binary.BigEndian, into); err != nil {
		panic(err)
	}
}

func (t *twin) apply(rest *bytes.Reader, kind byte, s Symbol, e event.Event) error {
	ok := true
	emit := func(k event.Kind, ref uint64, side byte, shares uint32, price *uint32) {
		e.Kind, e.Ref = k, ref
		e.Side = map[byte]market.Side{'B': market.Buy, 'S': market.Sell, 0: 0}[side]
		e.Qty = market.Qty(int64(shares) * market.Pow10(s.QtyDecimals))
		e.Price = 0
		if price != nil {
			p, exact := twinPrice(*price, s)
			e.Price, ok = p, ok && exact && *price > 0
		}
		t.events = append(t.events, e)
	}
	switch kind {
	case 'A', 'F':
		var m wireAddMPID
		t.read(rest, &m.wireAdd)
		emit(event.OrderAdd, m.Ref, m.Side, m.Shares, &m.Price)
		ok = ok && m.Shares > 0 && (m.Side == 'B' || m.Side == 'S')
	case 'E':
		var m wireExecuted
		t.read(rest, &m)
		emit(event.OrderExecuted, m.Ref, 0, m.Shares, nil)
		ok = m.Shares > 0
	case 'C':
		var m wireExecutedAt
		t.read(rest, &m)
		p, exact := twinPrice(m.Price, s)
		e.LastPx = p
		emit(event.OrderExecuted, m.Ref, 0, m.Shares, nil)
		ok = exact && m.Price > 0 && m.Shares > 0 && (m.Printable == 'Y' || m.Printable == 'N')
	case 'X':
		var m wireCancel
		t.read(rest, &m)
		emit(event.OrderReduced, m.Ref, 0, m.Shares, nil)
		ok = m.Shares > 0
	case 'D':
		var m wireDelete
		t.read(rest, &m)
		emit(event.OrderDeleted, m.Ref, 0, 0, nil)
	case 'U':
		var m wireReplace
		t.read(rest, &m)
		e.OrderRef = m.New
		emit(event.OrderReplaced, m.Old, 0, m.Shares, &m.Price)
		ok = ok && m.Shares > 0
	case 'P':
		var m wireTrade
		t.read(rest, &m)
		emit(event.MarketTrade, m.Ref, 0, m.Shares, &m.Price)
		ok = ok && m.Shares > 0
	case 'Q':
		var m wireCross
		t.read(rest, &m)
		if m.Shares == 0 {
			return nil
		}
		if mul := big.NewInt(market.Pow10(s.QtyDecimals)); mul.Mul(mul, new(big.Int).SetUint64(m.Shares)).
			Cmp(big.NewInt(int64(market.MaxQty))) > 0 {
			return errTwin
		}
		emit(event.MarketTrade, 0, 0, uint32(m.Shares), &m.Price)
		t.events[0].Qty = market.Qty(int64(m.Shares) * market.Pow10(s.QtyDecimals))
	case 'h':
		var m wireOutage
		t.read(rest, &m)
		ok = strings.ContainsRune("QBX", rune(m.Market)) && strings.ContainsRune("HT", rune(m.Action))
	case 'J':
		var m wireCollar
		t.read(rest, &m)
		low, exact := twinPrice(m.Lower, s)
		high, too := twinPrice(m.Upper, s)
		ok = exact && too && (m.Upper == 0 || low <= high)
	case 'H':
		var m wireAction
		t.read(rest, &m)
		ok = strings.ContainsRune("HPQT", rune(m.State))
	}
	if !ok {
		return errTwin
	}
	return nil
}

func twinPrice(wire uint32, s Symbol) (market.Price, bool) {
	p := big.NewRat(int64(wire), 10_000)
	p.Mul(p, new(big.Rat).SetInt64(market.Pow10(s.PriceDecimals)))
	return market.Price(new(big.Int).Quo(p.Num(), p.Denom()).Int64()), p.IsInt()
}
