package model

import (
	"fmt"
	"slices"

	"penstock/market"
)

// Schedule is what venues charge, as it was announced: entries with the day from which
// they hold, and the volume from which a tier is reached. Fees of yesterday stay in it,
// so that a recorded day is priced as it was.
type Schedule struct{ entries []Entry }

// Entry is one line of a Schedule.
type Entry struct {
	Venue  string
	From   int64      // first day on which it holds, days since 1970-01-01
	Volume market.Qty // tier: our volume of the month before from which it holds
	Take   market.Fee
	Make   market.Fee
}

// NewSchedule checks the entries and orders them. Two that hold for the same venue, day
// and tier are an error.
func NewSchedule(entries []Entry) (*Schedule, error) {
	s := &Schedule{slices.Clone(entries)}
	slices.SortStableFunc(s.entries, func(a, b Entry) int {
		switch {
		case a.Venue != b.Venue:
			if a.Venue < b.Venue {
				return -1
			}
			return 1
		case a.From != b.From:
			return int(min(max(a.From-b.From, -1), 1))
		}
		return int(min(max(a.Volume-b.Volume, -1), 1))
	})
	for i := range s.entries {
		e := &s.entries[i]
		y, m, d := market.CivilDate(e.From)
		switch {
		case e.Venue == "" || e.Volume < 0:
			return nil, fmt.Errorf("fee schedule: entry for %q from %d-%02d-%02d: a venue and a volume from 0 are needed",
				e.Venue, y, m, d)
		case i > 0 && e.Venue == s.entries[i-1].Venue && e.From == s.entries[i-1].From && e.Volume == s.entries[i-1].Volume:
			return nil, fmt.Errorf("fee schedule: %s from %d-%02d-%02d, volume %d: two entries", e.Venue, y, m, d, e.Volume)
		}
	}
	return s, nil
}

// At returns the fees of a venue on a day, for a volume: those of the last day announced
// by then, in the highest tier reached. ok is false when nothing is known for that day.
func (s *Schedule) At(venue string, day int64, volume market.Qty) (take, add market.Fee, ok bool) {
	for i := range s.entries {
		if e := &s.entries[i]; e.Venue == venue && e.From <= day && e.Volume <= volume {
			take, add, ok = e.Take, e.Make, true // the last in order is the latest, in its highest tier
		}
	}
	return take, add, ok
}
