package wire

import (
	"testing"
	"time"
)

func TestMidnightFollowsTheZone(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		zone     *time.Location
		now, day string
	}{
		{time.UTC, "2026-03-06T23:59:59Z", "2026-03-06T00:00:00Z"},
		{time.UTC, "2026-03-07T00:00:00Z", "2026-03-07T00:00:00Z"},
		{newYork, "2026-03-06T14:30:00Z", "2026-03-06T05:00:00Z"}, // winter time
		{newYork, "2026-03-07T00:30:00Z", "2026-03-06T05:00:00Z"}, // another day in UTC, the same there
		{newYork, "2026-03-08T18:00:00Z", "2026-03-08T05:00:00Z"}, // the clocks went forward since midnight
		{newYork, "2026-03-09T13:30:00Z", "2026-03-09T04:00:00Z"}, // summer time
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(0, Midnight(c.zone)(now.UnixNano())).UTC().Format(time.RFC3339); got != c.day {
			t.Errorf("%s in %v: the day began at %s, not %s", c.now, c.zone, got, c.day)
		}
	}
}
