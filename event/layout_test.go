package event

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// fieldsOf lists the fields that each kind's comment promises; all must lie in
// the prefix that is journalled.
var fieldsOf = map[Kind][]string{
	SessionStart: {"Ref"}, Timer: {}, BookClear: {"Flags"}, BookLevel: {"Side", "Price", "Qty"},
	OrderAdd: {"Ref", "Side", "Price", "Qty"}, OrderExecuted: {"Ref", "Qty", "LastPx"},
	OrderReduced: {"Ref", "Qty"}, OrderDeleted: {"Ref"}, BookStatus: {"Code", "Reason"},
	MarketTrade: {"Price", "Qty", "Side"}, Quote: {"Price", "Qty", "LastPx", "LastQty", "ID", "Until"},
	QuoteCancel: {"Instrument"}, OrderReplaced: {"Ref", "Price", "Qty", "OrderRef"},
	TradingDay: {"Ref", "Code", "StartTime", "Until"},
	PriceBand:  {"Price", "LastPx"}, Clock: {"Code", "Until", "StartTime", "SliceNanos"}, MarketStatus: {"Code"}, ShortRestriction: {"Code"},
	ParentNew: {"ID", "Price", "Qty", "Until", "StartTime", "SliceNanos", "Strategy", "OrdType", "TIF", "Client",
		"ExpireDate", "Mark", "OrderRef", "OrigID"},
	ParentCancel: {"ID", "OrigID", "Client"}, ParentReplace: {"ID", "OrigID", "Client", "Qty", "Price"},
	ParentStatus:   {"ID", "OrigID", "Client"},
	ParentDontKnow: {"ID", "OrderRef", "Code", "Client"},
	Exec: {"Ref", "Code", "OrdStatus", "LastPx", "LastQty", "CumQty", "LeavesQty", "ID", "Reason", "Liquidity", "OrderRef",
		"OrigID"},
	DropCopy: {"Ref", "Code", "OrdStatus", "LastPx", "LastQty", "CumQty", "LeavesQty", "ID", "OrigID"}, DropCopySession: {"Code", "Reason"},
	MassStatus:        {},
	OrderCancelReject: {"Ref", "Reason", "OrdStatus"}, VenueSession: {"Code", "Reason"},
	ClientSession: {"Code", "Client"}, Operator: {"Code", "ID", "OrigID"}, PolicySwap: {"ID", "OrigID"},
	Invitation:  {"Ref", "Qty", "ID", "Until", "Code", "Side"},
	QuoteAnswer: {"Ref", "Price", "Qty", "LastPx", "LastQty", "ID", "Until", "Code", "Reason"},
	VenueParams: {"Ref", "Price", "Qty", "OrderRef"},
}

func TestJournalledPrefixHoldsWhatTheKindPromises(t *testing.T) {
	typ := reflect.TypeFor[Event]()
	for kind := range kindNames {
		fields, ok := fieldsOf[kind]
		if !ok {
			t.Errorf("kind %v is not in the table", kind)
		}
		for _, name := range fields {
			f, ok := typ.FieldByName(name)
			if !ok {
				t.Fatalf("no field %s", name)
			}
			if end := f.Offset + f.Type.Size(); end > uintptr(kind.Size()) {
				t.Errorf("%v uses %s, which ends at %d of %d journalled bytes", kind, name, end, kind.Size())
			}
		}
	}
}

func TestBytesRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for kind := range kindNames {
		var e, back Event
		raw := make([]byte, kind.Size())
		for i := range raw {
			raw[i] = byte(rng.Uint32())
		}
		raw[56] = byte(kind)
		if !e.SetBytes(raw) || !back.SetBytes(e.Bytes()) || back != e {
			t.Errorf("%v does not come back", kind)
		}
		if e.SetBytes(raw[:len(raw)-1]) || e.SetBytes(append(raw, 0)) {
			t.Errorf("%v accepts a wrong length", kind)
		}
	}
	var e Event
	if e.SetBytes(make([]byte, 64)) {
		t.Error("an unknown kind was accepted")
	}
}
