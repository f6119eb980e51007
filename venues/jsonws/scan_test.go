package jsonws

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"penstock/market"
)

var canonical = regexp.MustCompile(`^(0|[1-9]\d*)(\.\d+)?`)

// What the scanner takes, market.ParseDecimal takes with the same result; what is
// canonical, exact and not too long, the scanner takes.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "0.0", "61837.63000000", "1.", ".5", "007", "1e5", "1.5x", "-1",
		"123456789012345678", "1234567890123456789", "0.000000001", "9.99"} {
		f.Add(s, uint8(2))
	}
	f.Fuzz(func(t *testing.T, text string, decimals uint8) {
		decimals %= 10
		s := scanner{b: []byte(text)}
		got, ok := s.decimal(decimals)
		token := canonical.FindString(text)
		if ok && token != text[:s.i] {
			t.Fatalf("%q: took %q", text, text[:s.i])
		}
		want, err := market.ParseDecimal([]byte(token), decimals)
		whole, _, fraction := strings.Cut(token, ".")
		bare := !fraction && strings.HasPrefix(text[len(token):], ".") // 1. is no number
		fits := token != "" && err == nil && len(whole)+int(decimals) <= digitsMax &&
			!bare && !digitFollows(text, token)
		if ok != fits || ok && got != want {
			t.Fatalf("%q at %d: %d %v, want %d %v %v", text, decimals, got, ok, want, fits, err)
		}
	})
}

// digitFollows is true of 007: the token 0 is not the whole number.
func digitFollows(text, token string) bool {
	return len(text) > len(token) && text[len(token)] >= '0' && text[len(token)] <= '9'
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2022-08-04T15:25:05.010758Z", "2024-02-29T23:59:59Z", "2023-02-29T00:00:00Z",
		"0001-01-01T00:00:00Z", "2199-12-31T23:59:59.999999999Z", "2000-01-01T00:00:00.Z", "1970-01-01T00:00:00Z",
		"2100-02-29T00:00:00Z", "2022-13-04T15:25:05Z", "2022-08-04T15:25:60Z", "2022-08-04 15:25:05Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseTime([]byte(text))
		want := twinTime(text, -1)
		if ok != (want != -1) || ok && got != want {
			t.Fatalf("%q: %d %v, want %d (%v)", text, got, ok, want, time.Unix(0, want).UTC())
		}
	})
}

func TestEveryDayIsRead(t *testing.T) {
	for day := time.Unix(0, 0).UTC(); day.Year() < 2200; day = day.AddDate(0, 0, 1) {
		got, ok := parseTime([]byte(day.Format(time.RFC3339)))
		if !ok || got != day.UnixNano() {
			t.Fatalf("%s: %d %v", day, got, ok)
		}
	}
}

func TestRescaleIsExact(t *testing.T) {
	for _, row := range []struct {
		v        int64
		from, to uint8
		want     int64
		ok       bool
	}{{15, 1, 3, 1500, true}, {1500, 3, 1, 15, true}, {1501, 3, 1, 15, false}, {1 << 62, 0, 1, 0, false}} {
		got, ok := rescale(row.v, row.from, row.to)
		if ok != row.ok || ok && got != row.want {
			t.Errorf("%+v: %d %v", row, got, ok)
		}
	}
}

// A message reads the same however it is spelled, and names given twice are
// refused, whatever their values.
func TestGeneralParserRefusesAmbiguity(t *testing.T) {
	var g general
	for text, want := range map[string]bool{
		`{"a":1,"b":{"a":2}}`: true, `{"a":1,"a":1}`: false, `{"a":true,"a":true}`: false,
		`{"x":[{"a":null,"a":null}]}`: false, `[]`: false, `1`: false, `{"a":01}`: false,
		`{"a":"` + "\x01" + `"}`: false, `{} {}`: false, ` {"a" : [ ] } `: true,
	} {
		if got := g.parse([]byte(text)) != nil; got != want || got && !json.Valid([]byte(text)) {
			t.Errorf("%s: %v", text, got)
		}
	}
}
