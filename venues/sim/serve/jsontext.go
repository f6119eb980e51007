package serve

import (
	"encoding/json"
	"time"

	"penstock/market"
)

// quote returns s as a JSON string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a Go string always marshals
	}
	return string(b)
}

// rfc3339 appends a time with microseconds in UTC.
func rfc3339(dst []byte, ns int64) []byte {
	return time.Unix(0, ns).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
}

// number appends a price or quantity with all decimals of its precision.
func number(dst []byte, v int64, decimals uint8) []byte {
	return market.AppendDecimal(dst, v, decimals)
}
