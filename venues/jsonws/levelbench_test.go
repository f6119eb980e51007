package jsonws

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/valyala/fastjson"

	"penstock/event"
	"penstock/market"
)

// Each capture's changes, as recorded, are decoded by the hand scanner with all
// that Receive does (checks, our copy and its checksum where the venue has one,
// events into a sink that only returns), and by fastjson and by encoding/json. The
// latter bring prices and quantities into the same integers; where there is a
// checksum they go on with them as the decoder does. One operation is one message.

// benchLists are the levels of a message: paths to lists, and where in a level the
// price is. The quantity follows.
var benchLists = map[string]struct {
	paths [][]string
	price int
}{
	"kraken v1": {[][]string{{"1", "a"}, {"1", "b"}, {"2", "b"}}, 0},
	"okx":       {[][]string{{"data", "0", "asks"}, {"data", "0", "bids"}}, 0},
	"bybit":     {[][]string{{"data", "b"}, {"data", "a"}}, 0},
	"gemini":    {[][]string{{"changes"}}, 1},
	"bitstamp":  {[][]string{{"data", "bids"}, {"data", "asks"}}, 0},
}

func BenchmarkLevelCaptures(b *testing.B) {
	for i := range levelCaptures {
		c := &levelCaptures[i]
		lists, ok := benchLists[c.venue]
		if !ok || c.name == "trades" || c.name == "tickers" {
			continue
		}
		d, snapshots, messages := benchMessages(b, c)
		size := 0
		for _, m := range messages {
			size += len(m)
		}
		run := func(name string, one func(m []byte) error) {
			b.Run(fmt.Sprintf("%s %s/%s", c.venue, c.name, name), func(b *testing.B) {
				b.SetBytes(int64(size / len(messages)))
				b.ReportAllocs()
				for i := len(messages); b.Loop(); i++ {
					if i == len(messages) {
						b.StopTimer()
						for _, m := range snapshots {
							if err := d.Receive(1, m); err != nil {
								b.Fatal(err)
							}
						}
						rewind(d)
						i = 0
						b.StartTimer()
					}
					if err := one(messages[i]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("scanner", func(m []byte) error { return d.Receive(1, m) })
		var p fastjson.Parser
		var levels []textLevel
		run("fastjson", func(m []byte) error {
			v, err := p.ParseBytes(m)
			levels = levels[:0]
			for _, path := range lists.paths {
				for _, level := range v.GetArray(path...) {
					l := level.GetArray()
					levels = append(levels, benchLevel(c, path[len(path)-1],
						l[lists.price].GetStringBytes(), l[lists.price+1].GetStringBytes()))
				}
			}
			if err != nil || c.venue != "kraken v1" && c.venue != "okx" {
				return err
			}
			parts := v.GetArray()
			if parts == nil {
				return benchApply(d, levels, v.GetStringBytes("arg", "instId"), v.GetInt("data", "0", "checksum"),
					nil, nil, m)
			}
			n := len(parts)
			return benchApply(d, levels, nil, 0, parts[n-1].GetStringBytes(), parts[n-3].GetStringBytes("c"), m)
		})
		run("encodingjson", func(m []byte) error { return benchUnmarshal(c, d, m) })
	}
}

func benchLevel(c *levelCapture, list string, price, qty []byte) textLevel {
	l := textLevel{side: market.Buy, priceText: price, qtyText: qty}
	if list[0] == 'a' {
		l.side = market.Sell
	}
	l.price, _ = market.ParseDecimal(price, 8)
	l.qty, _ = market.ParseDecimal(qty, 8)
	l.gone = l.qty == 0
	return l
}

// benchApply goes on with the levels of venues that have a checksum.
func benchApply(d Decoder, levels []textLevel, id []byte, sum int, pair, crc, m []byte) error {
	switch d := d.(type) {
	case *OKX:
		d.in = okxBook{book: d.books.find(id), levels: levels, summed: true, checksum: int32(sum)}
		return d.apply(1, m)
	case *KrakenV1:
		n, _ := strconv.ParseUint(string(crc), 10, 32)
		d.in = krakenV1Book{book: d.books.find(pair), levels: levels, checksum: uint32(n)}
		return d.apply(1, m)
	}
	return nil
}

// benchMessages returns the snapshots of a capture and its changes, and a decoder
// that takes them again and again.
func benchMessages(b *testing.B, c *levelCapture) (d Decoder, snapshots, messages [][]byte) {
	v := c.setup()
	for i := range v.config.Symbols {
		v.config.Symbols[i].PriceDecimals, v.config.Symbols[i].QtyDecimals = 8, 8 // as in benchLevel
	}
	v.config.StallNanos, v.config.Sink = 1, func(*event.Event) bool { return true }
	d, err := v.decoder(v.config)
	if err != nil {
		b.Fatal(err)
	}
	frames := c.frames(b)
	if c.venue == "bitstamp" {
		d, frames = runningBitstamp(b, d, frames)
	}
	s := &d.base().stats
	for _, f := range frames {
		scanned, whole := s.Scanned, s.Snapshots
		if err := d.Receive(1, f.text); err != nil {
			b.Fatal(err)
		}
		if s.Snapshots > whole {
			snapshots = append(snapshots, f.text)
		} else if s.Scanned > scanned {
			messages = append(messages, f.text)
		}
	}
	return d, snapshots, messages
}

// benchUnmarshal is the work of encoding/json.
func benchUnmarshal(c *levelCapture, d Decoder, m []byte) (err error) {
	type sides struct {
		A, B, Bids, Asks [][]string
		C                string
		Checksum         int
		U, Seq           uint64
	}
	var all struct {
		Topic, Type, Symbol, Channel, Event, Action string
		Arg                                         struct{ Channel, InstID string }
		TS, CTS                                     int64
		Changes                                     [][]string
		Data                                        json.RawMessage
	}
	var s sides
	pair := ""
	switch c.venue {
	case "kraken v1":
		var parts []json.RawMessage
		if err = json.Unmarshal(m, &parts); err != nil {
			return err
		}
		for _, part := range parts[1 : len(parts)-2] {
			if err = json.Unmarshal(part, &s); err != nil {
				return err
			}
		}
		err = json.Unmarshal(parts[len(parts)-1], &pair)
	case "okx":
		var list []sides
		if err = json.Unmarshal(m, &all); err == nil {
			err = json.Unmarshal(all.Data, &list)
			s = list[0]
		}
	case "gemini":
		err = json.Unmarshal(m, &all)
	default:
		if err = json.Unmarshal(m, &all); err == nil {
			err = json.Unmarshal(all.Data, &s)
		}
	}
	if err != nil {
		return err
	}
	var levels []textLevel
	at := benchLists[c.venue].price
	for name, list := range map[string][][]string{"a": append(s.A, s.Asks...), "b": append(s.B, s.Bids...), "c": all.Changes} {
		for _, l := range list {
			levels = append(levels, benchLevel(c, name, []byte(l[at]), []byte(l[at+1])))
		}
	}
	return benchApply(d, levels, []byte(all.Arg.InstID), s.Checksum, []byte(pair), []byte(s.C), m)
}
