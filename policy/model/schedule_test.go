package model

import (
	"testing"

	"penstock/market"
)

func TestScheduleByDayAndTier(t *testing.T) {
	january, june := market.DaysSince1970(2026, 1, 1), market.DaysSince1970(2026, 6, 1)
	fee := func(milli int64) market.Fee { return market.Fee{PerLotMilli: milli} }
	s, err := NewSchedule([]Entry{
		{Venue: "A", From: june, Take: fee(10), Make: fee(-8)},
		{Venue: "A", From: january, Take: fee(30), Make: fee(-20)},
		{Venue: "A", From: january, Volume: 1000, Take: fee(28), Make: fee(-25)},
		{Venue: "B", From: june, Take: fee(5)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		venue     string
		day       int64
		volume    market.Qty
		take, add int64
		ok        bool
	}{
		{"A", january, 0, 30, -20, true}, {"A", june - 1, 999, 30, -20, true}, {"A", june - 1, 1000, 28, -25, true},
		{"A", june, 5000, 10, -8, true}, {"A", january - 1, 0, 0, 0, false}, {"B", june, 0, 5, 0, true}, {"C", june, 0, 0, 0, false},
	} {
		take, add, ok := s.At(row.venue, row.day, row.volume)
		if take != fee(row.take) || add != fee(row.add) || ok != row.ok {
			t.Errorf("%s on day %d at %d: %v %v %v, want %d %d %v", row.venue, row.day, row.volume, take, add, ok,
				row.take, row.add, row.ok)
		}
	}
	if _, err := NewSchedule([]Entry{{Venue: "A", From: 1}, {Venue: "A", From: 1}}); err == nil {
		t.Error("two entries for one day were taken")
	}
	if _, err := NewSchedule([]Entry{{From: 1}}); err == nil {
		t.Error("an entry without a venue was taken")
	}
}
