package event

import "penstock/market"

// ScopeKind says what an operator's kill or resume covers.
type ScopeKind uint8

// Kinds of scope. Numbers are part of the journal format: never reused.
const (
	ScopeFirm     ScopeKind = 0
	ScopeVenue    ScopeKind = 1
	ScopeSymbol   ScopeKind = 2
	ScopeClient   ScopeKind = 3
	ScopeStrategy ScopeKind = 4
	ScopePolicy   ScopeKind = 5
)

var scopeNames = [...]string{"firm", "venue", "symbol", "client", "strategy", "policy"}

func (k ScopeKind) String() string {
	if int(k) < len(scopeNames) {
		return scopeNames[k]
	}
	return "scope?"
}

// ParseScopeKind is the inverse of String.
func ParseScopeKind(text string) (ScopeKind, bool) {
	for k, name := range scopeNames {
		if name == text {
			return ScopeKind(k), true
		}
	}
	return 0, false
}

// Scope is what a kill covers: ID is a VenueID, InstrumentID, number of a client's session,
// Strategy or PolicyID.
type Scope struct {
	Kind ScopeKind
	ID   uint64
}

// Covers reports whether the scope covers an order.
func (s Scope) Covers(v market.VenueID, in market.InstrumentID, client uint16, st Strategy, policy uint64) bool {
	switch s.Kind {
	case ScopeFirm:
		return true
	case ScopeVenue:
		return s.ID == uint64(v)
	case ScopeSymbol:
		return s.ID == uint64(in)
	case ScopeClient:
		return s.ID == uint64(client)
	case ScopeStrategy:
		return s.ID == uint64(st)
	case ScopePolicy:
		return s.ID == policy && policy != 0
	}
	return false
}

// SetScope makes an Operator event say what it covers.
func (e *Event) SetScope(s Scope) {
	e.Scope, e.Venue, e.Instrument = s.Kind, market.NoVenue, market.NoInstrument
	switch s.Kind {
	case ScopeVenue:
		e.Venue = market.VenueID(s.ID)
	case ScopeSymbol:
		e.Instrument = market.InstrumentID(s.ID)
	case ScopeClient:
		e.Client = uint16(s.ID)
	case ScopeStrategy:
		e.Strategy = Strategy(s.ID)
	case ScopePolicy:
		e.Ref = s.ID
	}
}

// GetScope returns what an Operator event covers. Kind firm with a venue is how journals
// before scopes said a venue.
func (e *Event) GetScope() Scope {
	switch e.Scope {
	case ScopeSymbol:
		return Scope{e.Scope, uint64(e.Instrument)}
	case ScopeClient:
		return Scope{e.Scope, uint64(e.Client)}
	case ScopeStrategy:
		return Scope{e.Scope, uint64(e.Strategy)}
	case ScopePolicy:
		return Scope{e.Scope, e.Ref}
	}
	if e.Venue == market.NoVenue {
		return Scope{}
	}
	return Scope{ScopeVenue, uint64(e.Venue)}
}

// LimitKind names a limit that OperatorLimit sets.
type LimitKind uint8

// Limits that a person may change while the router runs. Numbers are part of the journal
// format: never reused.
const (
	LimitParentMaxQty      LimitKind = 1
	LimitParentMaxNotional LimitKind = 2
	LimitChildMaxQty       LimitKind = 3
	LimitChildMaxNotional  LimitKind = 4
	LimitCollarBps         LimitKind = 5
	LimitCredit            LimitKind = 6 // of Client
	LimitFirmCredit        LimitKind = 7
)

var limitNames = [...]string{"", "parent_max_qty", "parent_max_notional", "child_max_qty", "child_max_notional",
	"collar_bps", "credit", "firm_credit"}

func (k LimitKind) String() string {
	if int(k) < len(limitNames) {
		return limitNames[k]
	}
	return "limit?"
}

// ParseLimitKind is the inverse of String.
func ParseLimitKind(text string) (LimitKind, bool) {
	for k, name := range limitNames {
		if name == text && k > 0 {
			return LimitKind(k), true
		}
	}
	return 0, false
}
