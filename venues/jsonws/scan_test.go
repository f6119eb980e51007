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
		fits := token != "" && err == nil && len(whole) <= digitsMax &&
			!bare && !digitFollows(text, token)
		if ok != fits || ok && got != want {
			t.Fatalf("%q at %d: %d %v, want %d %v %v", text, decimals, got, ok, want, fits, err)
		}
	})
}

// Whatever numbers came before, a shape reads a number as decimalAt does.
func FuzzShape(f *testing.F) {
	for _, s := range []string{`4.8120878"},{"0.15"},{"0.001"},{"0.00000134"`, `1"2"30"0"00"0.0"1.23456789"12345678.1"`,
		`61700.5"61700.50"61700.05"7.000"0.123456780"12"1234567.12345678"123456789.1"99"`} {
		f.Add(s, uint8(8))
		f.Add(s, uint8(2))
	}
	f.Fuzz(func(t *testing.T, text string, decimals uint8) {
		b, p := []byte(text), shape{decimals: decimals % 10}
		for i := range b {
			want, next := decimalAt(b, i, decimals%10)
			if next == len(b) || next >= 0 && b[next] != '"' {
				want, next = 0, -1
			}
			if got, at := p.read(b, i, '"'); got != want && next >= 0 || at != next {
				t.Fatalf("%q: %d to %d, want %d to %d, shape %+v", text[i:], got, at, want, next, p)
			}
		}
	})
}

// Numbers of every shape after numbers of every shape.
func TestShapesFollowShapes(t *testing.T) {
	var texts []string
	for whole := range 10 {
		for fraction := range 11 {
			text := "123456789"[:whole]
			if whole == 0 {
				text = "0"
			}
			if fraction > 0 {
				text += "." + "2468135790"[:fraction-1] + "0"
			}
			texts = append(texts, text)
		}
	}
	for _, decimals := range []uint8{0, 1, 5, 8, 9} {
		for _, before := range texts {
			for _, text := range texts {
				p := shape{decimals: decimals}
				b := []byte(before + `"},{"` + text + `"},{"` + before + `"}`)
				p.read(b, 0, '"')
				at := len(before) + 5
				want, next := decimalAt(b, at, decimals)
				got, end := p.read(b, at, '"')
				if want != got && next >= 0 || end != next {
					t.Fatalf("%s after %s at %d: %d to %d, want %d to %d", text, before, decimals, got, end, want, next)
				}
			}
		}
	}
}

// Every byte in every place of a text, and the texts around it.
func TestTextsOfEveryByte(t *testing.T) {
	for _, sample := range []string{`abcdefghijklm"nopqrstuv"`, `short"`, `"`, `never ends, which is no text`} {
		for i := range sample {
			for c := range 256 {
				b := []byte(sample)
				b[i] = byte(c)
				end, want := 0, true
				for ; end < len(b) && b[end] != '"'; end++ {
					want = want && b[end] >= ' ' && b[end] <= '~' && b[end] != '\\'
				}
				s := scanner{b: b}
				got, ok := s.text()
				if want = want && end < len(b); ok != want || ok && (string(got) != string(b[:end]) || s.i != end+1) {
					t.Fatalf("%q: %q %v, want %q %v", b, got, ok, b[:end], want)
				}
			}
		}
	}
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
		want := twinTime(text, -1)
		// A clock that knows the minute, or another one, reads the same.
		for _, before := range []string{text[:min(len(text), minuteSize)] + "00Z", "2022-08-04T15:25:05Z"} {
			var c clock
			c.parse([]byte(before))
			at, exact := c.parse([]byte(text))
			s := scanner{b: []byte(text + `"`)}
			taken, whole := s.time(&c)
			if exact != (want != -1) || exact && (at != want || !whole || taken != want) {
				t.Fatalf("%q after %q: %d %v, taken %d, want %d", text, before, at, exact, taken, want)
			}
		}
		got, ok := parseTime([]byte(text))
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
