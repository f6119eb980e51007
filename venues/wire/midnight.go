package wire

import "time"

// Midnight returns a function for venues whose times count from midnight in zone: the last
// midnight there before now; ns since epoch, both.
func Midnight(zone *time.Location) func(now int64) int64 {
	return func(now int64) int64 {
		t := time.Unix(0, now).In(zone)
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone).UnixNano()
	}
}
