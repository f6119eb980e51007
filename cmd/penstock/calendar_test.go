package main

import (
	"testing"
	"time"

	"penstock/event"
)

// TestCalendarKnowsZonesWeekendsAndHolidays asks for the trading day at times around what is
// odd: the change of daylight saving time, a weekend, a holiday, an early close.
func TestCalendarKnowsZonesWeekendsAndHolidays(t *testing.T) {
	s := calendarSection{Zone: "America/New_York", Open: "09:30", Close: "16:00", Closed: []string{"2026-11-26"},
		Early: map[string]string{"2026-11-27": "13:00"}}
	c, err := s.calendar()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct{ at, day, opens, closes, state string }{
		{"2026-10-30 13:29:59", "2026-10-30", "2026-10-30 13:30:00", "2026-10-30 20:00:00", "next"},
		{"2026-10-30 13:30:00", "2026-10-30", "2026-10-30 13:30:00", "2026-10-30 20:00:00", "open"},
		{"2026-10-30 20:00:00", "2026-11-02", "2026-11-02 14:30:00", "2026-11-02 21:00:00", "next"},
		{"2026-11-02 20:59:59", "2026-11-02", "2026-11-02 14:30:00", "2026-11-02 21:00:00", "open"},
		{"2026-11-25 21:00:00", "2026-11-27", "2026-11-27 14:30:00", "2026-11-27 18:00:00", "next"},
		{"2026-11-27 18:00:00", "2026-11-30", "2026-11-30 14:30:00", "2026-11-30 21:00:00", "next"},
	} {
		now, err := time.Parse(time.DateTime, want.at)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := c.at(now)
		text := func(ns int64) string { return time.Unix(0, ns).UTC().Format(time.DateTime) }
		state := map[bool]string{true: "open", false: "next"}[e.Code == event.TradingDayOpen]
		if day := text(int64(e.Ref) * 86_400e9)[:10]; !ok || day != want.day || text(e.StartTime) != want.opens ||
			text(e.Until) != want.closes || state != want.state {
			t.Errorf("%s: %s %s from %s to %s, want %+v", want.at, day, state, text(e.StartTime), text(e.Until), want)
		}
	}
	w := dayWatch{calendar: c}
	told := 0
	for now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC); now.Day() < 30; now = now.Add(time.Minute) {
		if _, news := w.look(now); news {
			told++
		}
	}
	if told != 7 { // what is next, then three days that open and close
		t.Errorf("told %d changes within a week", told)
	}
}
