package event

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/market"
)

var update = flag.Bool("update", false, "rewrite the expected text in testdata")

var testNames = &Names{
	Instruments: []market.Instrument{
		{ID: 0, Symbol: "DEMO", Currency: "USD", PriceDecimals: 2, QtyDecimals: 0, Tick: 1, Lot: 1},
		{ID: 1, Symbol: "BTC-USDT", Currency: "USDT", PriceDecimals: 1, QtyDecimals: 5, Tick: 1, Lot: 1},
	},
	Venues: []market.Venue{{ID: 0, Name: "KRKN"}, {ID: 1, Name: "LITA"}, {ID: 2, Name: "DLR1", Kind: market.SDP}},
}

const noon = int64(1_700_049_600_123_456_789) // 2023-11-15 12:00:00.123456789 UTC

func id(s string) (v ID) {
	copy(v[:], s)
	return v
}

func sampleEvents() []Event {
	e := func(k Kind, v market.VenueID, set func(*Event)) Event {
		x := Event{Kind: k, Venue: v, StepTime: noon}
		if set != nil {
			set(&x)
		}
		return x
	}
	all := []Event{
		e(SessionStart, market.NoVenue, func(e *Event) { e.Ref = 4711 }),
		e(Timer, market.NoVenue, nil),
		e(BookClear, 0, nil),
		e(BookLevel, 0, func(e *Event) { e.Side, e.Price, e.Qty, e.Flags = market.Buy, 10025, 300, More }),
		e(BookLevel, 0, func(e *Event) { e.Instrument, e.Side, e.Price, e.Qty = 1, market.Sell, 650001, 150000 }),
		e(OrderAdd, 1, func(e *Event) { e.Ref, e.Side, e.Price, e.Qty = 77, market.Sell, 10026, 200 }),
		e(OrderExecuted, 1, func(e *Event) { e.Ref, e.Qty = 77, 50 }),
		e(OrderExecuted, 1, func(e *Event) { e.Ref, e.Qty, e.LastPx = 77, 50, 10024 }),
		e(OrderReduced, 1, func(e *Event) { e.Ref, e.Qty = 77, 20 }),
		e(OrderDeleted, 1, func(e *Event) { e.Ref = 77 }),
		e(OrderReplaced, 1, func(e *Event) { e.Ref, e.OrderRef, e.Price, e.Qty = 77, 78, 1234, 5 }),
		e(BookStatus, 1, func(e *Event) {
			e.Instrument, e.Code, e.Reason = market.NoInstrument, uint8(BookStale), ReasonGap
		}),
		e(MarketTrade, 1, func(e *Event) { e.Side, e.Price, e.Qty = market.Sell, 10024, 50 }),
		e(MarketTrade, 1, func(e *Event) { e.Price, e.Qty = 10024, 50 }),
		e(Quote, 2, func(e *Event) {
			e.Price, e.Qty, e.LastPx, e.LastQty = 10020, 5000, 10030, 4000
			e.ID, e.Until = id("Q-17"), noon+5e8
		}),
		e(QuoteCancel, 2, nil),
		e(ParentNew, market.NoVenue, func(e *Event) {
			e.ID, e.Side, e.Qty, e.Price = id("ORD-1"), market.Buy, 50000, 10050
			e.OrdType, e.TIF, e.Strategy = market.OrdLimit, market.TIFDay, StrategyTWAP
			e.StartTime, e.Until, e.SliceNanos, e.MinQty = noon, noon+60e9, 2_500_000_000, 100
		}),
		e(ParentNew, market.NoVenue, func(e *Event) {
			e.Client, e.ID, e.Side, e.Qty = 3, id("M1"), market.Sell, 100
			e.OrdType, e.TIF, e.Strategy, e.Reason = market.OrdMarket, market.TIFIOC, StrategySweep, ReasonBadParameter
		}),
		e(ParentReplace, market.NoVenue, func(e *Event) {
			e.ID, e.OrigID, e.Side, e.Qty, e.Price = id("ORD-2"), id("ORD-1"), market.Buy, 60000, 10055
		}),
		e(ParentCancel, market.NoVenue, func(e *Event) { e.ID, e.OrigID = id("ORD-3"), id("ORD-2") }),
		e(ParentStatus, market.NoVenue, func(e *Event) { e.ID = id("ORD-2") }),
		e(Exec, 1, func(e *Event) {
			e.Ref, e.Code, e.OrdStatus = 17, uint8(market.ExecTrade), market.StatusPartiallyFilled
			e.LastPx, e.LastQty, e.CumQty, e.LeavesQty = 10025, 100, 100, 200
			e.Liquidity, e.ID, e.Flags = market.LiquidityRemoved, id("X 1\n#9"), PossDup
		}),
		e(ParentDontKnow, market.NoVenue, func(e *Event) { e.ID, e.OrderRef, e.Code = id("1000000002"), 7, 'D' }),
		e(Exec, 1, func(e *Event) {
			e.Ref, e.Code, e.OrdStatus = 17, uint8(market.ExecTradeCancel), market.StatusNew
			e.LastPx, e.LastQty, e.ID, e.OrigID = 10025, 100, id("X10"), id("X9")
		}),
		e(Exec, 2, func(e *Event) {
			e.Ref, e.Code, e.OrdStatus, e.Reason = 18, uint8(market.ExecRejected), market.StatusRejected, ReasonLastLookPrice
		}),
		e(OrderCancelReject, 1, func(e *Event) { e.Ref, e.OrdStatus, e.Reason = 17, market.StatusFilled, ReasonTooLate }),
		e(VenueSession, 1, func(e *Event) { e.Code = uint8(SessionUp) }),
		e(DropCopy, 1, func(e *Event) {
			e.Ref, e.Code, e.OrdStatus = 17, uint8(market.ExecTrade), market.StatusPartiallyFilled
			e.LastPx, e.LastQty, e.CumQty, e.LeavesQty, e.ID = 10025, 100, 100, 200, id("X11")
		}),
		e(MassStatus, 1, nil),
		e(DropCopySession, 1, func(e *Event) { e.Reason = ReasonDisconnect }),
		e(ClientSession, market.NoVenue, func(e *Event) { e.Client = 2 }),
		e(PolicySwap, market.NoVenue, func(e *Event) { e.SetPolicyHash([32]byte{0xab, 19: 1, 20: 2, 31: 0xcd}) }),
		e(Operator, market.NoVenue, func(e *Event) {
			e.Code, e.ID, e.OrigID = uint8(OperatorKill), id("ada"), id("fat finger")
		}),
		e(Invitation, 1, func(e *Event) {
			e.Ref, e.Side, e.Qty, e.Until = 17, market.Buy, 4000, noon+5e8
			e.ID, _ = MakeID("I7")
		}),
		e(Invitation, 1, func(e *Event) {
			e.Side, e.Code = market.Sell, InvitationWithdrawn
			e.ID, _ = MakeID("I8")
		}),
		e(QuoteAnswer, 1, func(e *Event) {
			e.Ref, e.LastPx, e.LastQty, e.Until = 500_000_007, 10030, 20000, noon+5e8
			e.ID, _ = MakeID("R7")
		}),
		e(QuoteAnswer, 1, func(e *Event) { e.Ref, e.Code, e.Reason = 500_000_008, QuoteRefused, ReasonVenueReject }),
		e(VenueParams, market.NoVenue, func(e *Event) { e.Ref, e.Price, e.Qty = 7, 12345, 64 }),
		e(TradingDay, market.NoVenue, func(e *Event) {
			e.Ref, e.Code, e.StartTime, e.Until = 20_649, TradingDayOpen, 1_784_122_200_000_000_000, 1_784_145_600_000_000_000
		}),
		e(Clock, market.NoVenue, func(e *Event) { e.Code, e.Until, e.StartTime, e.SliceNanos = 1, -250_000_000, 1500, 90_000 }),
		e(PriceBand, market.NoVenue, func(e *Event) { e.Price, e.LastPx = 950, 1050 }),
		e(PriceBand, 1, func(e *Event) { e.LastPx = 1050 }),
		e(ShortRestriction, 1, func(e *Event) { e.Code = ShortsRestricted }),
		e(MarketStatus, 1, func(e *Event) { e.Code, e.Reason = uint8(BookAuction), ReasonVenueState }),
		e(99, 0, nil),
	}
	for i := range all {
		all[i].Seq = uint64(1000 + i)
	}
	return all
}

func sampleCommands() []Command {
	return []Command{
		{Kind: SendOrder, Cause: 1042, Child: 17, Parent: 3, Venue: 1, Side: market.Buy, Qty: 300, Price: 10025,
			OrdType: market.OrdLimit, TIF: market.TIFIOC},
		{Kind: SendOrder, Cause: 1042, Child: 18, Parent: 3, Venue: 0, Side: market.Buy, Qty: 300, Price: 10030, MinQty: 100,
			OrdType: market.OrdPegged, TIF: market.TIFDay, ExecInst: market.ExecInstMidPeg},
		{Kind: SendOrder, Cause: 1042, Child: 19, Parent: 3, Venue: 2, Side: market.Sell, Qty: 300, Price: 10020, ID: id("Q-17"),
			OrdType: market.OrdPreviouslyQuoted, TIF: market.TIFIOC},
		{Kind: SendOrder, Cause: 1042, Child: 20, Venue: 1, Side: market.Sell, Qty: 300, Price: 10020,
			OrdType: market.OrdLimit, TIF: market.TIFDay, ExecInst: market.ExecInstPostOnly},
		{Kind: SendCancel, Cause: 1043, Child: 20, Ref: 21, Parent: 3, Venue: 1},
		{Kind: PassQuote, Cause: 1044, Ref: 500_000_007, Parent: 3, Venue: 1, ID: id("Q7"), Reason: ReasonQuoteExpired},
		{Kind: AskQuote, Cause: 1043, Ref: 500_000_007, Parent: 3, Venue: 1, Side: market.Buy, Qty: 20000},
		{Kind: SendMassStatus, Cause: 1043, Ref: 21, Venue: 1},
		{Kind: SendStatus, Cause: 1043, Child: 20, Parent: 3, Venue: 1},
		{Kind: Report, Cause: 1044, Parent: 3, Ref: 9, Client: 1, ID: id("ORD-1"), ExecType: market.ExecTrade,
			OrdStatus: market.StatusPartiallyFilled, Side: market.Buy, Qty: 500, Price: 10050, LastQty: 100, LastPx: 10025,
			CumQty: 100, LeavesQty: 400, Venue: 1, Liquidity: market.LiquidityAdded},
		{Kind: Report, Cause: 1044, Parent: 3, Ref: 9, Client: 1, ID: id("ORD-1"), ExecType: market.ExecTradeCancel,
			OrdStatus: market.StatusNew, Side: market.Buy, Qty: 500, Price: 10050, LastQty: 100, LastPx: 10025,
			LeavesQty: 500, Venue: 1, OrigID: id("T5"), ExecRef: 8},
		{Kind: Report, Cause: 1044, Ref: 10, ID: id("ORD-9"), ExecType: market.ExecRejected, Venue: market.NoVenue,
			OrdStatus: market.StatusRejected, Side: market.Buy, Qty: 500, Reason: ReasonMaxQty},
		{Kind: RejectCancel, Cause: 1045, Parent: 3, ID: id("ORD-3"), OrigID: id("ORD-1"), ExecType: market.ExecPendingCancel,
			OrdStatus: market.StatusFilled, Reason: ReasonTooLate},
		{Kind: ResyncBook, Cause: 1046, Venue: 0, Instrument: 1},
		{Kind: BookMoved, Cause: 1047, Venue: 0, Instrument: 1, From: BookLive, To: BookStale, Reason: ReasonGap},
		{Kind: StateHash, Cause: 4096, Ref: 17},
		{Kind: ProtectedQuote, Cause: 1048, Venue: 1, Parent: 3, Side: market.Sell, Price: 10025, Qty: 200},
		{Kind: SendOrder, Cause: 1042, Child: 21, Venue: 1, Side: market.Buy, Qty: 300, Price: 10030,
			OrdType: market.OrdLimit, TIF: market.TIFIOC, ExecInst: market.ExecInstISO},
		{Kind: SendOrder, Cause: 1042, Child: 22, Venue: 1, Side: market.Sell, Mark: market.Short, Qty: 900, LastQty: 100,
			Price: 10035, OrdType: market.OrdLimit, TIF: market.TIFDay, ExecInst: market.ExecInstPostOnly},
		{Kind: Alert, Cause: 1048, Venue: 1, Child: 5, Parent: 2, Reason: ReasonLateFill},
		{Kind: 99},
	}
}

func sampleDecisions() []Decision {
	d := Decision{Cause: 1042, Parent: 3, Slice: 2, Cell: 812, PropensityBps: 10000, Codes: [Features]uint8{1, 2, 0, 3},
		Action: 3, Chosen: 5, Confidence: 6, Flags: DecisionMasked | DecisionForced, VenueCount: 3, Mid2: 20051,
		Remaining: 500, Policy: 0xdeadbeef}
	d.Venues[0] = Share{Qty: 300, Score: -12, Tactic: TacticTake}
	d.Venues[1] = Share{Why: WhyWorse}
	d.Venues[2] = Share{Qty: 200, Score: 4, Tactic: TacticQuote, Why: WhyNoSize}
	return []Decision{d, {Cause: 7, Instrument: market.NoInstrument, VenueCount: 255, Mid2: -3}}
}

func TestDumpText(t *testing.T) {
	for _, c := range []struct {
		file  string
		names *Names
	}{{"dump.txt", testNames}, {"dump_nonames.txt", nil}} {
		var got []byte
		for _, e := range sampleEvents() {
			got = append(AppendEvent(got, &e, c.names), '\n')
		}
		for _, x := range sampleCommands() {
			got = append(AppendCommand(got, &x, c.names), '\n')
		}
		for _, d := range sampleDecisions() {
			got = append(AppendDecision(got, &d, c.names), '\n')
		}
		path := filepath.Join("testdata", c.file)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: text differs; if it should, run go test ./event -update and read the change\n%s", c.file, got)
		}
	}
}

// Every kind has its own line, and no byte of a peer breaks one.
func TestDumpIsOneLinePerRecord(t *testing.T) {
	seen := map[Kind]bool{}
	for _, e := range sampleEvents() {
		seen[e.Kind] = true
		for b := range 256 {
			for i := range e.ID {
				e.ID[i] = byte(b)
			}
			e.OrigID = e.ID
			for _, c := range string(AppendEvent(nil, &e, testNames)) {
				if c < ' ' || c > '~' {
					t.Fatalf("%v with ID of %#x prints %q", e.Kind, b, c)
				}
			}
		}
	}
	for k := Kind(0); k < 255; k++ {
		if k.Valid() && !seen[k] {
			t.Errorf("kind %v has no sample", k)
		}
	}
}

func TestEveryCommandKindHasASample(t *testing.T) {
	seen := map[CommandKind]bool{}
	for _, c := range sampleCommands() {
		seen[c.Kind] = true
	}
	for k := range CommandKind(255) {
		if k.String() != "command?" && !seen[k] {
			t.Errorf("kind %v has no sample", k)
		}
	}
}

func TestDumpDoesNotAllocate(t *testing.T) {
	events, dst := sampleEvents(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		for i := range events {
			dst = AppendEvent(dst[:0], &events[i], testNames)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !strings.HasPrefix(string(dst), "#1044 12:00:00.123456789 kind?") {
		t.Errorf("last line %q", dst)
	}
}
