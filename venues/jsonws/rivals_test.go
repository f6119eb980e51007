package jsonws

import (
	"encoding/json"

	"github.com/valyala/fastjson"

	"penstock/market"
)

// rival decodes a message and returns the sum of its time and of the side, price
// and quantity of each of its levels, 0 when it is no good.
type rival func(text []byte) int64

func scaled[T ~string | []byte](text T, decimals uint8) int64 {
	n, err := market.ParseDecimal([]byte(text), decimals)
	if err != nil {
		return -1 << 60
	}
	return n
}

func nanosOf[T string | []byte](text T) int64 {
	ns, ok := parseTime([]byte(text))
	if !ok {
		return -1 << 60
	}
	return ns
}

func sideNumber[T string | []byte](text T) int64 {
	switch string(text) {
	case "buy", "bid":
		return int64(market.Buy)
	case "sell", "offer":
		return int64(market.Sell)
	}
	return -1 << 60
}

func coinbaseFastjson() rival {
	var p fastjson.Parser
	return func(text []byte) (sum int64) {
		v, err := p.ParseBytes(text)
		if err != nil || string(v.GetStringBytes("type")) != "l2update" ||
			string(v.GetStringBytes("product_id")) != "BTC-USD" {
			return 0
		}
		sum = nanosOf(v.GetStringBytes("time"))
		for _, item := range v.GetArray("changes") {
			c := item.GetArray()
			sum += sideNumber(c[0].GetStringBytes()) + scaled(c[1].GetStringBytes(), 2) +
				scaled(c[2].GetStringBytes(), 8)
		}
		return sum
	}
}

func coinbaseStandard(text []byte) (sum int64) {
	var m struct {
		Type      string      `json:"type"`
		ProductID string      `json:"product_id"`
		Time      string      `json:"time"`
		Changes   [][3]string `json:"changes"`
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Type != "l2update" || m.ProductID != "BTC-USD" {
		return 0
	}
	sum = nanosOf(m.Time)
	for _, c := range m.Changes {
		sum += sideNumber(c[0]) + scaled(c[1], 2) + scaled(c[2], 8)
	}
	return sum
}

func advancedFastjson() rival {
	var p fastjson.Parser
	return func(text []byte) (sum int64) {
		v, err := p.ParseBytes(text)
		if err != nil || string(v.GetStringBytes("channel")) != "l2_data" || v.GetUint64("sequence_num") != 14 {
			return 0
		}
		sum = nanosOf(v.GetStringBytes("timestamp"))
		for _, e := range v.GetArray("events") {
			if string(e.GetStringBytes("product_id")) != "BTC-USD" || string(e.GetStringBytes("type")) != "update" {
				return 0
			}
			levels := int64(0)
			for _, u := range e.GetArray("updates") {
				sum = nanosOf(u.GetStringBytes("event_time"))
				levels += sideNumber(u.GetStringBytes("side")) + scaled(u.GetStringBytes("price_level"), 2) +
					scaled(u.GetStringBytes("new_quantity"), 8)
			}
			sum += levels
		}
		return sum
	}
}

func advancedStandard(text []byte) (sum int64) {
	var m struct {
		Channel   string `json:"channel"`
		Timestamp string `json:"timestamp"`
		Sequence  uint64 `json:"sequence_num"`
		Events    []struct {
			Type      string `json:"type"`
			ProductID string `json:"product_id"`
			Updates   []struct {
				Side  string `json:"side"`
				Time  string `json:"event_time"`
				Price string `json:"price_level"`
				Qty   string `json:"new_quantity"`
			} `json:"updates"`
		} `json:"events"`
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Channel != "l2_data" || m.Sequence != 14 {
		return 0
	}
	sum = nanosOf(m.Timestamp)
	for _, e := range m.Events {
		if e.ProductID != "BTC-USD" || e.Type != "update" {
			return 0
		}
		levels := int64(0)
		for _, u := range e.Updates {
			sum = nanosOf(u.Time)
			levels += sideNumber(u.Side) + scaled(u.Price, 2) + scaled(u.Qty, 8)
		}
		sum += levels
	}
	return sum
}

// fullSum is what the events of an open or a done of the order at hand add up to.
func fullSum(kind, product, id, at, side string, price, qty int64) int64 {
	ref, ok := twinOrderID(id)
	if !ok || product != "BTC-USD" || kind != "open" && kind != "done" {
		return 0
	}
	return nanosOf(at) + sideNumber(side) + price + qty + int64((ref.high^ref.low)>>8)
}

func fullFastjson() rival {
	var p fastjson.Parser
	return func(text []byte) int64 {
		v, err := p.ParseBytes(text)
		if err != nil || v.GetUint64("sequence") == 0 {
			return 0
		}
		id, ok := parseOrderID(v.GetStringBytes("order_id"))
		kind := v.GetStringBytes("type")
		if !ok || string(v.GetStringBytes("product_id")) != "BTC-USD" || string(kind) != "open" && string(kind) != "done" {
			return 0
		}
		return nanosOf(v.GetStringBytes("time")) + sideNumber(v.GetStringBytes("side")) +
			scaled(v.GetStringBytes("price"), 2) + scaled(v.GetStringBytes("remaining_size"), 8) + int64(id.ref()>>8)
	}
}

func fullStandard(text []byte) int64 {
	var m struct {
		Type      string `json:"type"`
		Time      string `json:"time"`
		ProductID string `json:"product_id"`
		Sequence  uint64 `json:"sequence"`
		OrderID   string `json:"order_id"`
		Price     string `json:"price"`
		Remaining string `json:"remaining_size"`
		Side      string `json:"side"`
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Sequence == 0 {
		return 0
	}
	return fullSum(m.Type, m.ProductID, m.OrderID, m.Time, m.Side, scaled(m.Price, 2), scaled(m.Remaining, 8))
}

func binanceFastjson() rival {
	var p fastjson.Parser
	return func(text []byte) (sum int64) {
		v, err := p.ParseBytes(text)
		if err != nil {
			return 0
		}
		data := v.Get("data")
		if string(data.GetStringBytes("e")) != "depthUpdate" || string(data.GetStringBytes("s")) != "BTCUSDT" ||
			data.GetUint64("U") > data.GetUint64("u") {
			return 0
		}
		sum = data.GetInt64("E") * 1_000_000
		for _, l := range data.GetArray("b") {
			pair := l.GetArray()
			sum += int64(market.Buy) + scaled(pair[0].GetStringBytes(), 1) + scaled(pair[1].GetStringBytes(), 3)
		}
		for _, l := range data.GetArray("a") {
			pair := l.GetArray()
			sum += int64(market.Sell) + scaled(pair[0].GetStringBytes(), 1) + scaled(pair[1].GetStringBytes(), 3)
		}
		return sum
	}
}

func binanceStandard(text []byte) (sum int64) {
	var m struct {
		Data struct {
			Event  string      `json:"e"`
			Time   int64       `json:"E"`
			Symbol string      `json:"s"`
			First  uint64      `json:"U"`
			Last   uint64      `json:"u"`
			Bids   [][2]string `json:"b"`
			Asks   [][2]string `json:"a"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Data.Event != "depthUpdate" ||
		m.Data.Symbol != "BTCUSDT" || m.Data.First > m.Data.Last {
		return 0
	}
	sum = m.Data.Time * 1_000_000
	for _, l := range m.Data.Bids {
		sum += int64(market.Buy) + scaled(l[0], 1) + scaled(l[1], 3)
	}
	for _, l := range m.Data.Asks {
		sum += int64(market.Sell) + scaled(l[0], 1) + scaled(l[1], 3)
	}
	return sum
}

type krakenPeerMessage struct {
	Channel string `json:"channel"`
	Data    []struct {
		Symbol     string `json:"symbol"`
		Bids, Asks []struct {
			Price json.Number `json:"price"`
			Qty   json.Number `json:"qty"`
		}
		Checksum  uint32 `json:"checksum"`
		Timestamp string `json:"timestamp"`
	} `json:"data"`
}

// krakenStandard keeps the same copy of the book as the decoder.
func krakenStandard(snapshot string) rival {
	ladder := newKrakenLadder(10)
	one := func(text []byte) (sum int64) {
		var m krakenPeerMessage
		if err := json.Unmarshal(text, &m); err != nil || m.Channel != "book" || m.Data[0].Symbol != "BTC/USD" {
			return 0
		}
		d := &m.Data[0]
		for _, l := range d.Bids {
			price, qty := scaled(l.Price, 1), scaled(l.Qty, 8)
			ladder.bids.set(price, qty)
			sum += int64(market.Buy) + 10*price + qty
		}
		for _, l := range d.Asks {
			price, qty := scaled(l.Price, 1), scaled(l.Qty, 8)
			ladder.asks.set(price, qty)
			sum += int64(market.Sell) + 10*price + qty
		}
		if ladder.checksum() != d.Checksum {
			return 0
		}
		return sum + nanosOf(d.Timestamp)
	}
	one([]byte(snapshot))
	return one
}

func krakenFastjson(snapshot string) rival {
	var p fastjson.Parser
	var number []byte
	ladder := newKrakenLadder(10)
	one := func(text []byte) (sum int64) {
		v, err := p.ParseBytes(text)
		if err != nil || string(v.GetStringBytes("channel")) != "book" {
			return 0
		}
		d := v.GetArray("data")[0]
		if string(d.GetStringBytes("symbol")) != "BTC/USD" {
			return 0
		}
		decimal := func(v *fastjson.Value, decimals uint8) int64 {
			number = v.MarshalTo(number[:0])
			return scaled(number, decimals)
		}
		for _, l := range d.GetArray("bids") {
			price, qty := decimal(l.Get("price"), 1), decimal(l.Get("qty"), 8)
			ladder.bids.set(price, qty)
			sum += int64(market.Buy) + 10*price + qty
		}
		for _, l := range d.GetArray("asks") {
			price, qty := decimal(l.Get("price"), 1), decimal(l.Get("qty"), 8)
			ladder.asks.set(price, qty)
			sum += int64(market.Sell) + 10*price + qty
		}
		if ladder.checksum() != uint32(d.GetUint64("checksum")) {
			return 0
		}
		return sum + nanosOf(d.GetStringBytes("timestamp"))
	}
	one([]byte(snapshot))
	return one
}
