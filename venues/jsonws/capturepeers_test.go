package jsonws

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/valyala/fastjson"

	"penstock/market"
)

// peerLevel is a level as peers read it; its texts are for checksums.
func peerLevel(venue string, b *book, side market.Side, price, qty []byte) textLevel {
	l := textLevel{side: side}
	l.price = scaled(price, b.PriceDecimals)
	decimals := b.QtyDecimals
	if b.Contract != 0 {
		decimals = 0
	}
	l.qty = scaled(qty, decimals)
	l.gone = l.qty == 0
	switch venue {
	case "okx":
		l.sum.keep(price, qty)
	case "kraken v1":
		l.sum.keepDigits(price, qty)
	}
	if b.Contract != 0 {
		c := change{price: l.price, qty: l.qty}
		if c.check(&b.Symbol) != nil {
			l.qty = -1 << 60
		}
		l.qty = c.qty
	}
	return l
}

func sumOf(levels []textLevel) (sum int64) {
	for i := range levels {
		sum += int64(levels[i].side) + levels[i].price + levels[i].qty
	}
	return sum
}

// peersOf returns the peers of a venue's decoder. Without whole they leave our copy
// of the book and its checksum alone.
func peersOf(venue string, whole bool) (fast, standard rivalOf) {
	var p fastjson.Parser
	var levels []textLevel
	list := func(b *book, side market.Side, v *fastjson.Value) {
		for _, level := range v.GetArray() {
			l := level.GetArray()
			levels = append(levels, peerLevel(venue, b, side, l[0].GetStringBytes(), l[1].GetStringBytes()))
		}
	}
	parse := func(msg []byte) *fastjson.Value {
		levels = levels[:0]
		v, err := p.ParseBytes(msg)
		if err != nil {
			panic(err)
		}
		return v
	}
	texts := func(b *book, side market.Side, list [][]string) {
		for _, l := range list {
			levels = append(levels, peerLevel(venue, b, side, []byte(l[0]), []byte(l[1])))
		}
	}
	unmarshal := func(msg []byte, v any) {
		levels = levels[:0]
		if err := json.Unmarshal(msg, v); err != nil {
			panic(err)
		}
	}
	switch venue {
	case "kraken v1":
		return func(d Decoder, msg []byte) int64 {
				v := parse(msg).GetArray()
				n := len(v)
				k := d.(*KrakenV1)
				in := krakenV1Book{book: k.books.find(v[n-1].GetStringBytes())}
				for _, part := range v[1 : n-2] {
					for _, side := range [2]market.Side{market.Sell, market.Buy} {
						name := "a"
						if side == market.Buy {
							name = "b"
						}
						items := part.GetArray(name)
						list(in.book, side, part.Get(name))
						for _, item := range items {
							if l := item.GetArray(); len(l) == 3 {
								in.time = max(in.time, 1000*scaled(l[2].GetStringBytes(), 6))
							}
						}
					}
					if c := part.GetStringBytes("c"); c != nil {
						sum, _ := strconv.ParseUint(string(c), 10, 32)
						in.checksum = uint32(sum)
					}
				}
				in.levels = levels
				return k.peer(in, msg, whole)
			}, func(d Decoder, msg []byte) int64 {
				var parts []json.RawMessage
				unmarshal(msg, &parts)
				k, pair := d.(*KrakenV1), ""
				if err := json.Unmarshal(parts[len(parts)-1], &pair); err != nil {
					panic(err)
				}
				in := krakenV1Book{book: k.books.find([]byte(pair))}
				for _, part := range parts[1 : len(parts)-2] {
					var m struct {
						A, B [][]string
						C    string
					}
					if err := json.Unmarshal(part, &m); err != nil {
						panic(err)
					}
					texts(in.book, market.Sell, m.A)
					texts(in.book, market.Buy, m.B)
					for _, side := range [2][][]string{m.A, m.B} {
						for _, l := range side {
							if len(l) == 3 {
								in.time = max(in.time, 1000*scaled(l[2], 6))
							}
						}
					}
					if m.C != "" {
						sum, _ := strconv.ParseUint(m.C, 10, 32)
						in.checksum = uint32(sum)
					}
				}
				in.levels = levels
				return k.peer(in, msg, whole)
			}
	case "okx":
		return func(d Decoder, msg []byte) int64 {
				v, x := parse(msg), d.(*OKX)
				in := okxBook{book: x.books.find(v.GetStringBytes("arg", "instId")), summed: true}
				data := v.Get("data", "0")
				list(in.book, market.Sell, data.Get("asks"))
				list(in.book, market.Buy, data.Get("bids"))
				in.checksum = int32(data.GetInt("checksum"))
				in.time = uint64(scaled(data.GetStringBytes("ts"), 0))
				in.levels = levels
				return x.peer(in, msg, whole)
			}, func(d Decoder, msg []byte) int64 {
				x := d.(*OKX)
				var m struct {
					Arg    struct{ Channel, InstID string }
					Action string
					Data   []struct {
						Asks, Bids [][]string
						TS         string
						Checksum   int32
					}
				}
				unmarshal(msg, &m)
				in := okxBook{book: x.books.find([]byte(m.Arg.InstID)), summed: true, checksum: m.Data[0].Checksum}
				texts(in.book, market.Sell, m.Data[0].Asks)
				texts(in.book, market.Buy, m.Data[0].Bids)
				in.time = uint64(scaled(m.Data[0].TS, 0))
				in.levels = levels
				return x.peer(in, msg, whole)
			}
	case "bybit":
		return func(d Decoder, msg []byte) int64 {
				v := parse(msg)
				topic := v.GetStringBytes("topic")
				b := d.base().books.find(topic[bytes.LastIndexByte(topic, '.')+1:])
				at := v.GetInt64("ts")
				if cts := v.Get("cts"); cts != nil {
					at = cts.GetInt64()
				}
				data := v.Get("data")
				if data.GetUint64("u") == 0 || data.GetUint64("seq") == 0 || string(v.GetStringBytes("type")) != "delta" {
					return 0
				}
				list(b, market.Buy, data.Get("b"))
				list(b, market.Sell, data.Get("a"))
				return sumOf(levels) + at*1_000_000
			}, func(d Decoder, msg []byte) int64 {
				var m struct {
					Topic, Type string
					TS, CTS     int64
					Data        struct {
						S      string
						B, A   [][]string
						U, Seq uint64
					}
				}
				unmarshal(msg, &m)
				b := d.base().books.find([]byte(m.Data.S))
				texts(b, market.Buy, m.Data.B)
				texts(b, market.Sell, m.Data.A)
				at := m.TS
				if m.CTS != 0 {
					at = m.CTS
				}
				return sumOf(levels) + at*1_000_000
			}
	case "gemini", "coinbase":
		sides := func(b *book, side, price, qty []byte) {
			s := market.Sell
			if string(side) == "buy" {
				s = market.Buy
			}
			levels = append(levels, peerLevel(venue, b, s, price, qty))
		}
		return func(d Decoder, msg []byte) int64 {
				v := parse(msg)
				symbol, at := v.GetStringBytes("symbol"), int64(0)
				if venue == "coinbase" {
					symbol, at = v.GetStringBytes("product_id"), nanosOf(v.GetStringBytes("time"))
				}
				b := d.base().books.find(symbol)
				if kind := v.GetStringBytes("type"); string(kind) != "l2_updates" && string(kind) != "l2update" {
					return 0
				}
				for _, item := range v.GetArray("changes") {
					l := item.GetArray()
					sides(b, l[0].GetStringBytes(), l[1].GetStringBytes(), l[2].GetStringBytes())
				}
				return sumOf(levels) + at
			}, func(d Decoder, msg []byte) int64 {
				var m struct {
					Type, Symbol string
					ProductID    string `json:"product_id"`
					Changes      [][3]string
					Time         string
				}
				unmarshal(msg, &m)
				at := int64(0)
				if venue == "coinbase" {
					m.Symbol, at = m.ProductID, nanosOf(m.Time)
				}
				b := d.base().books.find([]byte(m.Symbol))
				for _, l := range m.Changes {
					sides(b, []byte(l[0]), []byte(l[1]), []byte(l[2]))
				}
				return sumOf(levels) + at
			}
	case "bitstamp":
		return func(d Decoder, msg []byte) int64 {
				v := parse(msg)
				b := d.base().books.find(bytes.TrimPrefix(v.GetStringBytes("channel"), []byte(bitstampDiff)))
				data := v.Get("data")
				list(b, market.Buy, data.Get("bids"))
				list(b, market.Sell, data.Get("asks"))
				return sumOf(levels) + 1000*scaled(data.GetStringBytes("microtimestamp"), 0)
			}, func(d Decoder, msg []byte) int64 {
				var m struct {
					Channel, Event string
					Data           struct {
						Timestamp, Microtimestamp string
						Bids, Asks                [][]string
					}
				}
				unmarshal(msg, &m)
				b := d.base().books.find(bytes.TrimPrefix([]byte(m.Channel), []byte(bitstampDiff)))
				texts(b, market.Buy, m.Data.Bids)
				texts(b, market.Sell, m.Data.Asks)
				return sumOf(levels) + 1000*scaled(m.Data.Microtimestamp, 0)
			}
	case "binance":
		return func(d Decoder, msg []byte) int64 {
				data := parse(msg).Get("data")
				b := d.base().books.find(data.GetStringBytes("s"))
				if data.GetUint64("U") > data.GetUint64("u") || data.GetUint64("pu") > data.GetUint64("u") {
					return 0
				}
				at := data.GetInt64("E")
				if t := data.Get("T"); t != nil {
					at = t.GetInt64()
				}
				list(b, market.Buy, data.Get("b"))
				list(b, market.Sell, data.Get("a"))
				return sumOf(levels) + at*1_000_000
			}, func(d Decoder, msg []byte) int64 {
				var m struct {
					Stream string `json:"stream"`
					Data   struct {
						Event  string      `json:"e"`
						Time   int64       `json:"E"`
						Traded int64       `json:"T"`
						Symbol string      `json:"s"`
						First  uint64      `json:"U"`
						Last   uint64      `json:"u"`
						Before uint64      `json:"pu"`
						Bids   [][2]string `json:"b"`
						Asks   [][2]string `json:"a"`
					} `json:"data"`
				}
				unmarshal(msg, &m)
				b := d.base().books.find([]byte(m.Data.Symbol))
				at := m.Data.Time
				if m.Data.Traded != 0 {
					at = m.Data.Traded
				}
				for _, l := range m.Data.Bids {
					levels = append(levels, peerLevel(venue, b, market.Buy, []byte(l[0]), []byte(l[1])))
				}
				for _, l := range m.Data.Asks {
					levels = append(levels, peerLevel(venue, b, market.Sell, []byte(l[0]), []byte(l[1])))
				}
				return sumOf(levels) + at*1_000_000
			}
	}
	panic(venue)
}

// peer goes on with a message that was read by other means. Its sum is that of
// the events, which the decoder's sink adds up.
func (k *KrakenV1) peer(in krakenV1Book, msg []byte, whole bool) int64 {
	if !whole {
		return sumOf(in.levels) + in.time
	}
	k.in = in
	return k.applied(k.apply(1, msg), in.book)
}

func (x *OKX) peer(in okxBook, msg []byte, whole bool) int64 {
	if !whole {
		return sumOf(in.levels) + int64(in.time)
	}
	x.in = in
	return x.applied(x.apply(1, msg), in.book)
}

// applied sums the list of changes that was just told.
func (o *outlet) applied(err error, b *book) (sum int64) {
	if err != nil {
		panic(err)
	}
	for i := range o.list {
		sum += int64(o.list[i].side) + o.list[i].price + o.list[i].qty
	}
	if len(o.list) > 0 {
		sum += b.srcTime
	}
	return sum
}
