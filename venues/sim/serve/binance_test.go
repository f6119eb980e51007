package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// withBinance makes LITC a Binance venue.
func withBinance(c *Config) {
	c.Venues[2].Feed, c.Venues[2].HTTPAddr = Binance, "127.0.0.1:0"
}

func withTLS(c *Config) { c.Venues[2].TLS = true }

// depth fetches a snapshot.
func depth(t *testing.T, client *http.Client, v *Server, query string) (int, []byte) {
	t.Helper()
	r, err := client.Get(v.SnapshotBase() + "/api/v3/depth?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, body
}

// binanceReader keeps a book as Binance's documentation says: updates are kept
// until a snapshot that they follow on.
type binanceReader struct {
	t       testing.TB
	book    textBook
	last    uint64
	held    []binanceUpdate
	started bool
	ticked  int // tickers that were the book's best
}

type binanceUpdate struct {
	Kind  string          `json:"e"`
	Time  int64           `json:"E"` // or its name would be taken for "e"
	First uint64          `json:"U"`
	Last  uint64          `json:"u"`
	Sym   string          `json:"s"`
	Bids  json.RawMessage `json:"b"`
	Asks  json.RawMessage `json:"a"`
	BidQ  string          `json:"B"`
	AskQ  string          `json:"A"`
}

func (b *binanceReader) on(p []byte) {
	b.t.Helper()
	var m struct {
		Stream string
		Data   json.RawMessage
	}
	if err := json.Unmarshal(p, &m); err != nil || m.Stream == "" {
		return
	}
	var u binanceUpdate
	decoder := json.NewDecoder(bytes.NewReader(m.Data))
	if err := decoder.Decode(&u); err != nil || !strings.HasPrefix(m.Stream, "pnsk@") {
		b.t.Fatalf("%s: %v", p, err)
	}
	switch m.Stream {
	case "pnsk@depth@100ms":
		b.held = append(b.held, u)
		if b.started {
			b.apply()
		}
	case "pnsk@bookTicker":
		var bid, ask string
		if json.Unmarshal(u.Bids, &bid) != nil || json.Unmarshal(u.Asks, &ask) != nil {
			b.t.Fatalf("%s", p)
		}
		if b.started && u.Last == b.last {
			b.ticked++
			if b.book.sorted(0)[0] != bid || b.book.sorted(1)[0] != ask || b.book[0][bid] != u.BidQ || b.book[1][ask] != u.AskQ {
				b.t.Errorf("%s is not the best of the book", p)
			}
		}
	}
}

// start takes a snapshot.
func (b *binanceReader) start(body []byte) {
	b.t.Helper()
	var m struct {
		Last       uint64 `json:"lastUpdateId"`
		Bids, Asks [][2]string
	}
	if err := json.Unmarshal(body, &m); err != nil {
		b.t.Fatalf("%s: %v", body, err)
	}
	b.book, b.last, b.started = newTextBook(), m.Last, true
	for side, levels := range [][][2]string{m.Bids, m.Asks} {
		for _, l := range levels {
			b.book.set(side, l[0], l[1])
		}
	}
	b.apply()
}

func (b *binanceReader) apply() {
	b.t.Helper()
	for _, u := range b.held {
		if u.Last <= b.last {
			continue
		}
		if u.First > b.last+1 {
			b.t.Fatalf("update %d-%d does not follow on %d", u.First, u.Last, b.last)
		}
		for side, raw := range []json.RawMessage{u.Bids, u.Asks} {
			var levels [][2]string
			if err := json.Unmarshal(raw, &levels); err != nil {
				b.t.Fatal(err)
			}
			for _, l := range levels {
				b.book.set(side, l[0], l[1])
			}
		}
		b.last = u.Last
	}
	b.held = b.held[:0]
}

// dialPath opens a WebSocket at a path, over TLS when the venue has it.
func dialPath(t testing.TB, m *Market, v *Server, path string) *wsClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dialer, scheme := ws.Dialer{}, "ws://"
	if v.cfg.TLS {
		dialer.TLSConfig, scheme = &tls.Config{RootCAs: trust(m)}, "wss://"
	}
	conn, br, _, err := dialer.Dial(ctx, scheme+v.FeedAddr()+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &wsClient{t: t, conn: conn, r: conn}
	if br != nil {
		c.r = io.MultiReader(io.LimitReader(br, int64(br.Buffered())), conn)
	}
	return c
}

func trust(m *Market) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(m.Certificate())
	return pool
}

func TestBinanceClientHasTheVenuesBook(t *testing.T) {
	for _, secure := range []bool{false, true} {
		change := []func(*Config){withBinance}
		if secure {
			change = append(change, withTLS)
		}
		m := startMarket(t, change...)
		v := m.Venue("LITC")
		client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust(m)}}}
		defer client.CloseIdleConnections()
		c := dialPath(t, m, v, "/stream")
		b := &binanceReader{t: t, book: newTextBook()}
		c.say(`{"method":"SUBSCRIBE","params":["pnsk@depth@100ms","pnsk@trade","pnsk@bookTicker"],"id":1}`)
		c.until(b.on, `{"result":null,"id":1}`)
		c.until(b.on, `depthUpdate`)
		status, body := depth(t, client, v, "symbol=PNSK&limit=5000")
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		b.start(body)
		c.until(b.on, `"e":"trade"`, `"m":`, `"t":`)
		for b.ticked < 5 {
			c.until(b.on, `"stream"`)
		}
		m.Rest(true)
		for deadline := time.Now().Add(patience); !b.book.is(v, 5000); {
			if time.Now().After(deadline) {
				t.Fatal("not the venue's book")
			}
			c.until(b.on, `depthUpdate`)
		}
		m.Rest(false)
		c.say(`{"method":"UNSUBSCRIBE","params":["pnsk@depth@100ms"],"id":2}`)
		c.until(b.on, `{"result":null,"id":2}`)
		raw := dialPath(t, m, v, "/ws/pnsk@depth@100ms")
		if p := raw.until(nil, "depthUpdate"); strings.Contains(p, "stream") {
			t.Errorf("raw stream: %s", p)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBinanceRefusesBadRequests(t *testing.T) {
	m := startMarket(t, withBinance)
	v := m.Venue("LITC")
	c := dialPath(t, m, v, "/stream?streams=pnsk@trade/other@trade")
	for i, want := range [][2]string{{`{`, "Invalid JSON"}, {`{"method":"DANCE","id":7}`, `"id":7`},
		{`{"method":"SUBSCRIBE","params":["other@depth"],"id":8}`, "invalid stream"}} {
		c.say(want[0])
		c.until(nil, `"error"`, want[1])
		if i == 0 {
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // five a second
		}
	}
	for i := range 20 { // more than five in one second, wherever it begins
		if wsutil.WriteClientText(c.conn, fmt.Appendf(nil, `{"method":"SUBSCRIBE","params":["pnsk@trade"],"id":%d}`, i)) != nil {
			break // it has hung up already
		}
	}
	for err := error(nil); err == nil; {
		if _, err = c.next(); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("too many messages, and it did not hang up")
		}
	}
	for _, query := range []string{"symbol=OTHER", "symbol=PNSK&limit=x", "symbol=PNSK&limit=5001", ""} {
		if status, body := depth(t, http.DefaultClient, v, query); status != 400 {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	if err := v.SpoilSnapshots(SnapshotTooMany, SnapshotBroken, SnapshotOld); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{429, 500, 200, 200} {
		if status, _ := depth(t, http.DefaultClient, v, "symbol=PNSK"); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	if v.Disturbing() != 0 || m.Venue("LITB").SpoilSnapshots(SnapshotCut) == nil || m.Venue("LITA").Disturb(DropMessage) == nil {
		t.Error("faults of what a venue does not have")
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestMessagesAreDisturbed counts what a client of Kraken's book gets.
func TestMessagesAreDisturbed(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITB")
	c := dialWS(t, v)
	k := &krakenReader{t: t, depth: 10, book: newTextBook()}
	c.say(`{"method":"subscribe","params":{"channel":"book","symbol":["PNSK"],"depth":10}}`)
	c.until(k.on, `"snapshot"`, `"book"`)
	v.Disturb(DuplicateMessage)
	var before, p string
	for p == "" || p != before {
		before, p = p, c.until(k.on, `"update"`, `"book"`)
	}
	v.Disturb(CutText)
	for json.Valid([]byte(p)) {
		b, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		p = string(b)
	}
	v.Disturb(DropMessage, DropMessage, SwapMessages)
	for v.Disturbing() > 0 {
		time.Sleep(time.Millisecond)
	}
	v.Disturb(CorruptFrame)
	for {
		h, err := ws.ReadHeader(c.r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Rsv == 7 {
			break
		}
		if _, err := io.CopyN(io.Discard, c.r, h.Length); err != nil {
			t.Fatal(err)
		}
	}
	v.Mute(true)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, _, _, err := (ws.Dialer{}).Dial(ctx, "ws://"+v.FeedAddr()); err == nil {
		t.Error("a mute venue answers")
	}
	v.Mute(false)
	v.Trickle(1000)
	start := time.Now() // the message may be under way when the handshake is over
	slow := dialWS(t, v)
	slow.until(nil, `"online"`) // some 100 bytes
	if took := time.Since(start); took < 50*time.Millisecond {
		t.Errorf("slow server took %v", took)
	}
}
