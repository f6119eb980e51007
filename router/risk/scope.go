package risk

import (
	"slices"

	"penstock/event"
	"penstock/market"
)

// maxKills bounds the scopes that are killed at once; one more kills the firm.
const maxKills = 64

// KillScope stops orders of a scope until ReleaseScope.
func (g *Gate) KillScope(s event.Scope) {
	switch {
	case s.Kind == event.ScopeFirm || len(g.scopes) == maxKills:
		g.Kill(market.NoVenue) // better everything than nothing
	case s.Kind == event.ScopeVenue:
		g.Kill(market.VenueID(s.ID))
	case !slices.Contains(g.scopes, s):
		g.scopes = append(g.scopes, s)
	}
}

// ReleaseScope lifts KillScope of the same scope.
func (g *Gate) ReleaseScope(s event.Scope) {
	switch s.Kind {
	case event.ScopeFirm:
		g.Resume(market.NoVenue)
	case event.ScopeVenue:
		g.Resume(market.VenueID(s.ID))
	default:
		g.scopes = slices.DeleteFunc(g.scopes, func(o event.Scope) bool { return o == s })
	}
}

// Scopes returns what is killed beside the firm and venues.
func (g *Gate) Scopes() []event.Scope { return g.scopes }

// killedBy returns why a scope stops an order; NoVenue and policy 0 are those of a client's
// order, which has none yet.
func (g *Gate) killedBy(v market.VenueID, in market.InstrumentID, client uint16, st event.Strategy,
	policy uint64) event.Reason {
	for _, s := range g.scopes {
		if s.Covers(v, in, client, st, policy) {
			return event.ReasonKilled
		}
	}
	return event.ReasonNone
}

// VenueKilled reports whether a person killed venue itself.
func (g *Gate) VenueKilled(venue market.VenueID) bool {
	return g.venues>>venue&1 != 0
}
