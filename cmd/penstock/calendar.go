package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // hosts without zone files

	"penstock/event"
	"penstock/market"
)

// calendarSection says when the trading days of the firm's market are.
type calendarSection struct {
	Zone   string            `toml:"zone"`             // IANA name; the times below are of there
	Open   string            `toml:"open"`             // 09:30
	Close  string            `toml:"close"`            // 16:00, at most 24:00
	Days   []string          `toml:"days,omitempty"`   // mon to fri if left out
	Closed []string          `toml:"closed,omitempty"` // dates without trading
	Early  map[string]string `toml:"early,omitempty"`  // date = its close
}

// calendar knows the hours of every trading day.
type calendar struct {
	zone        *time.Location
	open, close int // minutes of the day
	days        [7]bool
	closed      map[string]bool
	early       map[string]int
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// minutes reads a time of day like 09:30.
func minutes(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time of day like 09:30", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

func (s *calendarSection) calendar() (c *calendar, err error) {
	c = &calendar{closed: map[string]bool{}, early: map[string]int{}}
	if s.Zone == "" {
		return nil, errors.New("calendar.zone must name a time zone like America/New_York")
	}
	if c.zone, err = time.LoadLocation(s.Zone); err != nil {
		return nil, fmt.Errorf("calendar.zone: %w", err)
	}
	if c.open, err = minutes(s.Open); err != nil {
		return nil, fmt.Errorf("calendar.open: %w", err)
	}
	if c.close, err = minutes(s.Close); err != nil {
		return nil, fmt.Errorf("calendar.close: %w", err)
	}
	if c.close <= c.open {
		return nil, errors.New("calendar.close must be after calendar.open")
	}
	names := s.Days
	if names == nil {
		names = weekdays[1:6]
	}
	for _, name := range names {
		i := slices.Index(weekdays, name)
		if i < 0 {
			return nil, fmt.Errorf("calendar.days: %q is none of sun, mon, tue, wed, thu, fri, sat", name)
		}
		c.days[i] = true
	}
	if c.days == [7]bool{} {
		return nil, errors.New("calendar.days: name at least one day")
	}
	for _, date := range s.Closed {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return nil, fmt.Errorf("calendar.closed: %q is not a date like 2026-12-25", date)
		}
		c.closed[date] = true
	}
	for date, text := range s.Early {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return nil, fmt.Errorf("calendar.early: %q is not a date like 2026-11-27", date)
		}
		at, err := minutes(text)
		if err != nil || at <= c.open || at > c.close {
			return nil, fmt.Errorf("calendar.early: %s = %q is not a time between open and close", date, text)
		}
		c.early[date] = at
	}
	return c, nil
}

// searchDays bounds how far the next trading day may be.
const searchDays = 400

// at returns the trading day that is open at a time, or the next one.
func (c *calendar) at(now time.Time) (e event.Event, ok bool) {
	now = now.In(c.zone)
	y, m, d := now.Date()
	for i := range searchDays {
		date := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC)
		name := date.Format(time.DateOnly)
		if !c.days[date.Weekday()] || c.closed[name] {
			continue
		}
		last := c.close
		if early, ok := c.early[name]; ok {
			last = early
		}
		opens := time.Date(y, m, d+i, 0, c.open, 0, 0, c.zone)
		closes := time.Date(y, m, d+i, 0, last, 0, 0, c.zone)
		if !now.Before(closes) {
			continue
		}
		e = event.Event{Kind: event.TradingDay, Venue: market.NoVenue, Instrument: market.NoInstrument,
			Ref: uint64(date.Unix() / 86_400), StartTime: opens.UnixNano(), Until: closes.UnixNano()}
		if !now.Before(opens) {
			e.Code = event.TradingDayOpen
		}
		return e, true
	}
	return e, false
}

// dayWatch tells the core when a trading day opens and closes.
type dayWatch struct {
	calendar *calendar // nil: there is none, and no day ends
	told     event.Event
}

// look returns what the core has to hear, if it has not heard it.
func (w *dayWatch) look(now time.Time) (e event.Event, news bool) {
	if w.calendar == nil {
		return e, false
	}
	e, ok := w.calendar.at(now)
	news = ok && e != w.told
	if news {
		w.told = e
	}
	e.RecvTime = now.UnixNano()
	return e, news
}

// due tells the core of a change; what found no room is told again at the next look.
func (w *dayWatch) due(a *assembly, now time.Time, say func(string, ...any)) {
	before := w.told
	e, news := w.look(now)
	if !news {
		return
	}
	if !a.push(&e) {
		w.told = before
		return
	}
	date := time.Unix(int64(e.Ref)*86_400, 0).UTC().Format(time.DateOnly)
	if e.Code == event.TradingDayOpen {
		say("router: trading day %s is open until %s UTC", date, time.Unix(0, e.Until).UTC().Format("15:04:05"))
	} else {
		say("router: no trading day is open; %s is the next", date)
	}
}
