package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"penstock/market"
	"penstock/venues/sim"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// wsClient is a plain WebSocket client.
type wsClient struct {
	t    testing.TB
	conn net.Conn
	r    io.Reader
}

func dialWS(t testing.TB, v *Server) *wsClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, br, _, err := ws.Dial(ctx, "ws://"+v.FeedAddr()+"/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &wsClient{t: t, conn: conn, r: conn}
	if br != nil { // the server's first message came with the handshake
		c.r = io.MultiReader(io.LimitReader(br, int64(br.Buffered())), conn)
	}
	return c
}

func (c *wsClient) say(text string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// next reads one message; io.EOF and the like end the stream.
func (c *wsClient) next() ([]byte, error) {
	c.conn.SetReadDeadline(time.Now().Add(patience))
	h, err := ws.ReadHeader(c.r)
	if err != nil {
		return nil, err
	}
	p := make([]byte, h.Length)
	if _, err = io.ReadFull(c.r, p); err == nil && h.OpCode == ws.OpClose {
		err = io.EOF
	}
	return p, err
}

// until reads messages until one holds every word, and gives each to on.
func (c *wsClient) until(on func([]byte), words ...string) string {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		p, err := c.next()
		if err != nil {
			c.t.Fatalf("waiting for %q: %v", words, err)
		}
		if on != nil {
			on(p)
		}
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(string(p), w) }) {
			return string(p)
		}
	}
	c.t.Fatalf("no message with %q", words)
	return ""
}

// textBook keeps levels as the text that was received: price → quantity.
type textBook [2]map[string]string

func newTextBook() textBook { return textBook{{}, {}} }

// sorted returns the prices of a side, best first.
func (b textBook) sorted(side int) []string {
	var prices []string
	for p := range b[side] {
		prices = append(prices, p)
	}
	sort.Slice(prices, func(i, j int) bool {
		x, _ := market.ParseDecimal([]byte(prices[i]), 4)
		y, _ := market.ParseDecimal([]byte(prices[j]), 4)
		return (x > y) == (side == 0)
	})
	return prices
}

func (b textBook) set(side int, price, qty string) {
	if strings.Trim(qty, "0.") == "" {
		delete(b[side], price)
		return
	}
	b[side][price] = qty
}

func (b textBook) levels(side int) []sim.Level {
	var out []sim.Level
	for _, p := range b.sorted(side) {
		px, _ := market.ParseDecimal([]byte(p), 4)
		qty, _ := market.ParseDecimal([]byte(b[side][p]), 0)
		out = append(out, sim.Level{Price: market.Price(px), Qty: market.Qty(qty)})
	}
	return out
}

func (b textBook) is(v *Server, depth int) bool {
	return slices.Equal(b.levels(0), v.Depth(market.Buy, depth)) &&
		slices.Equal(b.levels(1), v.Depth(market.Sell, depth))
}

// krakenReader keeps a book as Kraken's documentation says, with the checksum
// made of the text.
type krakenReader struct {
	t     testing.TB
	depth int
	book  textBook
	bad   int
	good  int
}

func (k *krakenReader) on(p []byte) {
	k.t.Helper()
	var m struct {
		Channel, Type string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(p, &m); err != nil {
		k.t.Fatalf("%s: %v", p, err)
	}
	if m.Channel != "book" {
		return
	}
	type level struct{ Price, Qty json.Number }
	var data []struct {
		Symbol     string
		Bids, Asks []level
		Checksum   uint32
		Timestamp  time.Time
	}
	if err := json.Unmarshal(m.Data, &data); err != nil || len(data) != 1 || data[0].Symbol != "PNSK" {
		k.t.Fatalf("%s: %v", p, err)
	}
	if m.Type == "snapshot" {
		k.book = newTextBook()
	}
	for side, levels := range [][]level{data[0].Bids, data[0].Asks} {
		for _, l := range levels {
			k.book.set(side, string(l.Price), string(l.Qty))
		}
		for _, p := range k.book.sorted(side)[min(len(k.book[side]), k.depth):] {
			delete(k.book[side], p)
		}
	}
	if k.checksum() == data[0].Checksum {
		k.good++
	} else {
		k.bad++
	}
}

func (k *krakenReader) checksum() uint32 {
	var text strings.Builder
	for _, side := range []int{1, 0} {
		for i, p := range k.book.sorted(side) {
			if i == 10 {
				break
			}
			for _, s := range []string{p, k.book[side][p]} {
				text.WriteString(strings.TrimLeft(strings.ReplaceAll(s, ".", ""), "0"))
			}
		}
	}
	return crc32.ChecksumIEEE([]byte(text.String()))
}

// TestChecksumVector is the example of Kraken's documentation: ten levels a side,
// prices with one decimal, quantities with eight.
func TestChecksumVector(t *testing.T) {
	asks := [][2]int64{{452852, 100000}, {452864, 154571953}, {452866, 154571109}, {452896, 154560911},
		{452902, 15890660}, {452918, 154553491}, {452947, 4454749}, {452961, 35380000},
		{452975, 9945542}, {452995, 18772827}}
	bids := [][2]int64{{452835, 10000000}, {452834, 154582015}, {452821, 10000000}, {452810, 10000000},
		{452803, 154592586}, {452790, 7990000}, {452776, 3310103}, {452775, 30000000},
		{452773, 154602737}, {452766, 15445238}}
	var sides [2][]sim.Level
	for i, from := range [2][][2]int64{bids, asks} {
		for _, l := range from {
			sides[i] = append(sides[i], sim.Level{Price: market.Price(l[0]), Qty: market.Qty(l[1])})
		}
	}
	if got := krakenChecksum(sides); got != 3310070434 {
		t.Errorf("checksum %d, want 3310070434", got)
	}
}

func TestKrakenClientHasTheVenuesBook(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITB")
	for _, depth := range []int{10, 25, 100} {
		c := dialWS(t, v)
		k := &krakenReader{t: t, depth: depth, book: newTextBook()}
		c.until(nil, `"status"`, `"online"`)
		c.say(fmt.Sprintf(`{"method":"subscribe","params":{"channel":"book","symbol":["PNSK"],`+
			`"depth":%d},"req_id":7}`, depth))
		c.until(k.on, `"method":"subscribe"`, `"success":true`, `"req_id":7`)
		c.until(k.on, `"snapshot"`, `"book"`)
		for k.good < 200 {
			c.until(k.on, `"book"`)
		}
		v.Halt(true)
		c.until(k.on, `"cancel_only"`)
		for !k.book.is(v, depth) { // what was under way at the halt
			c.until(k.on, `"book"`)
		}
		v.Halt(false)
		if k.bad > 0 {
			t.Errorf("depth %d: %d of %d checksums wrong", depth, k.bad, k.bad+k.good)
		}
	}
}

func TestKrakenClientResubscribesAfterAWrongChecksum(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITB")
	c := dialWS(t, v)
	k := &krakenReader{t: t, depth: 10, book: newTextBook()}
	const params = `"params":{"channel":"book","symbol":["PNSK"],"depth":10}}`
	c.say(`{"method":"subscribe",` + params)
	c.until(k.on, `"snapshot"`)
	if err := v.CorruptNextChecksum(); err != nil {
		t.Fatal(err)
	}
	for k.bad == 0 {
		c.until(k.on, `"book"`)
	}
	c.say(`{"method":"unsubscribe",` + params)
	c.until(k.on, `"method":"unsubscribe"`, `"success":true`)
	c.say(`{"method":"subscribe",` + params)
	k.bad, k.good = 0, 0
	c.until(k.on, `"snapshot"`)
	for k.good < 20 {
		c.until(k.on, `"book"`)
	}
	if k.bad > 0 {
		t.Errorf("%d wrong checksums after the new snapshot", k.bad)
	}
}

func TestKrakenAnswersRequests(t *testing.T) {
	m := startMarket(t)
	c := dialWS(t, m.Venue("LITB"))
	c.say(`{"method":"ping","req_id":101}`)
	c.until(nil, `"method":"pong"`, `"req_id":101`)
	c.say(`{"method":"subscribe","params":{"channel":"instrument"}}`)
	c.until(nil, `"instrument"`, `"snapshot"`, `"price_precision":4`, `"qty_precision":0`)
	c.say(`{"method":"subscribe","params":{"channel":"trade","symbol":["PNSK"]}}`)
	c.until(nil, `"trade"`, `"update"`, `"trade_id"`)
	for _, x := range [][2]string{
		{`{"method":"subscribe","params":{"channel":"book","symbol":["OTHER"]}}`, "Currency pair not supported"},
		{`{"method":"subscribe","params":{"channel":"book","symbol":["PNSK"],"depth":11}}`, "Depth not supported"},
		{`{"method":"subscribe","params":{"channel":"nope","symbol":["PNSK"]}}`, "Channel not supported"},
		{`{"method":"subscribe","params":{"channel":"trade","symbol":["PNSK"]}}`, "Already subscribed"},
		{`{"method":"unsubscribe","params":{"channel":"book","symbol":["PNSK"]}}`, "Subscription not found"},
		{`{"method":"dance"}`, "Method not supported"},
		{`not json`, "Malformed"},
	} {
		c.say(x[0])
		c.until(nil, `"success":false`, x[1])
	}
}

func TestKrakenSendsHeartbeatsWhenNothingElse(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITB")
	c := dialWS(t, v)
	c.say(`{"method":"subscribe","params":{"channel":"instrument"}}`)
	c.until(nil, `{"channel":"heartbeat"}`)
}

// coinbaseReader keeps a book as Coinbase's documentation says.
type coinbaseReader struct {
	t       testing.TB
	book    textBook
	updates int
}

func (b *coinbaseReader) on(p []byte) {
	b.t.Helper()
	var m struct {
		Type       string
		Product    string `json:"product_id"`
		Bids, Asks [][2]string
		Changes    [][3]string
		Time       string
	}
	if err := json.Unmarshal(p, &m); err != nil {
		return // another shape: an error or a status
	}
	switch m.Type {
	case "snapshot":
		b.book = newTextBook()
		for side, levels := range [][][2]string{m.Bids, m.Asks} {
			for _, l := range levels {
				b.book.set(side, l[0], l[1])
			}
		}
	case "l2update":
		b.updates++
		if _, err := time.Parse(time.RFC3339Nano, m.Time); err != nil || m.Product != "PNSK" {
			b.t.Fatalf("%s: %v", p, err)
		}
		for _, x := range m.Changes {
			b.book.set(map[string]int{"buy": 0, "sell": 1}[x[0]], x[1], x[2])
		}
	}
}

func TestCoinbaseClientHasTheVenuesBook(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITC")
	c := dialWS(t, v)
	b := &coinbaseReader{t: t, book: newTextBook()}
	c.say(`{"type":"subscribe","product_ids":["PNSK"],"channels":["level2_batch","heartbeat",` +
		`{"name":"matches","product_ids":["PNSK"]},"status"]}`)
	c.until(b.on, `"subscriptions"`, `"level2_batch"`, `"heartbeat"`, `"matches"`, `"status"`)
	c.until(b.on, `"snapshot"`)
	c.until(b.on, `"match"`, `"maker_order_id"`, `"side"`)
	c.until(b.on, `"type":"heartbeat"`, `"sequence"`, `"last_trade_id"`)
	from := b.updates // the first heartbeat may follow at once on the subscription
	c.until(b.on, `"type":"heartbeat"`)
	if n := b.updates - from; n < 5 {
		t.Errorf("%d updates between two heartbeats", n)
	}
	v.Halt(true)
	c.until(b.on, `"type":"status"`, `"trading_disabled":true`)
	for !b.book.is(v, 1<<30) {
		c.until(b.on, `"l2update"`)
	}
	late := dialWS(t, v)
	lb := &coinbaseReader{t: t, book: newTextBook()}
	late.say(`{"type":"subscribe","product_ids":["PNSK"],"channels":["level2_batch","matches"]}`)
	late.until(lb.on, `"snapshot"`)
	if !lb.book.is(v, 1<<30) {
		t.Error("snapshot of a late client differs from the venue's book")
	}
	late.until(lb.on, `"last_match"`)
	late.say(`{"type":"unsubscribe","product_ids":["PNSK"],"channels":["level2_batch"]}`)
	if s := late.until(lb.on, `"subscriptions"`); strings.Contains(s, "level2") {
		t.Errorf("after unsubscribe: %s", s)
	}
}

func TestCoinbaseRefusesBadRequests(t *testing.T) {
	m := startMarket(t)
	c := dialWS(t, m.Venue("LITC"))
	for _, x := range [][2]string{
		{`{"type":"subscribe","product_ids":["OTHER"],"channels":["level2_batch"]}`, "not a valid product"},
		{`{"type":"subscribe","product_ids":["PNSK"],"channels":["level9"]}`, "not a valid channel"},
		{`{"type":"subscribe","product_ids":["PNSK"],"channels":[]}`, "no channels"},
		{`{"type":"dance"}`, "Type has to be"},
		{`{`, "Malformed"},
	} {
		c.say(x[0])
		c.until(nil, `"type":"error"`, x[1])
	}
}

func TestFeedConnectionsDropAndComeBack(t *testing.T) {
	m := startMarket(t)
	for _, x := range [][3]string{
		{"LITB", `{"method":"subscribe","params":{"channel":"book","symbol":["PNSK"]}}`, `"book"`},
		{"LITC", `{"type":"subscribe","product_ids":["PNSK"],"channels":["level2_batch"]}`, `"l2update"`},
	} {
		v := m.Venue(x[0])
		for range 2 {
			c := dialWS(t, v)
			c.say(x[1])
			c.until(nil, `"snapshot"`)
			c.until(nil, x[2])
			v.DropConnections()
			for {
				if _, err := c.next(); err != nil {
					break
				}
			}
		}
	}
}

func TestWebSocketPingIsAnswered(t *testing.T) {
	m := startMarket(t)
	c := dialWS(t, m.Venue("LITC"))
	if err := wsutil.WriteClientMessage(c.conn, ws.OpPing, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	h, err := ws.ReadHeader(c.r)
	if err != nil || h.OpCode != ws.OpPong || h.Length != 5 {
		t.Fatalf("%+v %v", h, err)
	}
}
