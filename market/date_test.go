package market

import (
	"testing"
	"time"
)

// TestEveryDayOfTheCalendar compares both ways with the standard library.
func TestEveryDayOfTheCalendar(t *testing.T) {
	for days := int64(0); days < 120_000; days++ {
		d := time.Unix(days*86_400, 0).UTC()
		y, m, day := CivilDate(days)
		if y != int64(d.Year()) || m != int64(d.Month()) || day != int64(d.Day()) {
			t.Fatalf("day %d is %d-%d-%d, want %v", days, y, m, day, d)
		}
		if back := DaysSince1970(y, m, day); back != days {
			t.Fatalf("%v counts as day %d, want %d", d, back, days)
		}
		if last := d.AddDate(0, 1, -d.Day()).Day(); int64(last) != DaysIn(y, m) {
			t.Fatalf("%d-%d has %d days, want %d", y, m, DaysIn(y, m), last)
		}
	}
}
