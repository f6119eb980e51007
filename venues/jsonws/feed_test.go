package jsonws

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"penstock/event"
	"penstock/venues/wire"
)

const second = 1_000_000_000

// feedTest runs a Feed against a real server on loopback that the test plays by
// hand. Time is the test's: only waiting for sockets takes real time.
type feedTest struct {
	*collect
	t     *testing.T
	feed  *Feed
	conns chan net.Conn // the server's side of each connection, after its handshake
	conn  net.Conn
	now   int64
}

func newFeedTest(t *testing.T, v venue) *feedTest {
	f := &feedTest{collect: &collect{room: -1}, t: t, conns: make(chan net.Conn), now: 1000 * second}
	v.config.Sink, v.config.StallNanos = f.sink, second/100
	d, err := v.decoder(v.config)
	if err != nil {
		t.Fatal(err)
	}
	f.feed, err = NewFeed(FeedConfig{Addr: f.listen(), Path: "/v2", MaxMessage: 1 << 20,
		ConnectNanos: 5 * second, ConfirmNanos: 5 * second, SilenceNanos: 5 * second,
		RetryNanos: second, RetryMaxNanos: 8 * second, SnapshotNanos: 2 * second, Seed: 7}, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.feed.Close() })
	return f
}

func (f *feedTest) listen() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	done, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(20 * time.Second))
			if _, err := ws.Upgrade(c); err != nil {
				continue
			}
			select {
			case f.conns <- c:
			case <-quit:
				return
			}
		}
	}()
	f.t.Cleanup(func() { close(quit); l.Close(); <-done })
	return l.Addr().String()
}

// until calls Work until cond holds, sleeping in poll(2) when there is nothing
// to do.
func (f *feedTest) until(what string, cond func() bool) {
	f.t.Helper()
	p, err := wire.NewPoller(1)
	if err != nil {
		f.t.Fatal(err)
	}
	defer p.Close()
	for deadline := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not reached: %s, %v, events:\n%s", what, f.feed.State(), f.feed.Err(), f.took())
		}
		if f.feed.Work(f.now) == 0 {
			p.Wait(f.feed.PollFDs(nil), 20*time.Millisecond)
		}
	}
}

// connected waits for a connection and returns the messages that the feed sends
// on it first.
func (f *feedTest) connected(messages int) string {
	f.t.Helper()
	f.until("connection", func() bool {
		select {
		case f.conn = <-f.conns:
			return true
		default:
			return false
		}
	})
	f.until("subscription", func() bool { return f.feed.State() >= FeedSubscribing })
	return f.sent(messages)
}

// sent returns messages of the feed that are on their way.
func (f *feedTest) sent(n int) string {
	f.t.Helper()
	var all []string
	for range n {
		text, err := wsutil.ReadClientText(f.conn)
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return strings.Join(all, "\n")
}

func (f *feedTest) say(messages ...string) {
	f.t.Helper()
	for _, m := range messages {
		if err := wsutil.WriteServerText(f.conn, []byte(m)); err != nil {
			f.t.Fatal(err)
		}
	}
}

// told waits until the events end with the line want, and returns them.
func (f *feedTest) told(want string) string {
	f.t.Helper()
	f.until(want, func() bool {
		return len(f.lines) > 0 && strings.HasSuffix(f.lines[len(f.lines)-1], want)
	})
	return f.took()
}

const krakenConfirm = `{"method":"subscribe","result":{"channel":"book","symbol":"X/Y"},"success":true}`

func krakenOne() venue {
	v := venues[0]
	v.config.Symbols = krakenSymbols[1:]
	return v
}

func TestFeedSubscribesAndGoesLive(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	expect(t, f.connected(1), `{"method":"subscribe","params":{"channel":"book","symbol":["X/Y"],"depth":10,"snapshot":true}}`)
	f.say(krakenConfirm, venues[0].samples[0], venues[0].samples[1])
	got := f.told("level 2 buy 11x0")
	if !strings.Contains(got, "status 2 LIVE") || f.feed.State() != FeedRunning {
		t.Fatalf("%s\n%s", got, f.feed.State())
	}
}

func TestFeedAsksForASnapshotAfterAChecksumMismatch(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	f.now += 3 * second
	f.say(strings.Replace(venues[0].samples[1], `"qty":0.0`, `"qty":9.0`, 1))
	f.told("status 2 STALE checksum mismatch")
	expect(t, f.sent(2),
		`{"method":"unsubscribe","params":{"channel":"book","symbol":["X/Y"],"depth":10}}`,
		`{"method":"subscribe","params":{"channel":"book","symbol":["X/Y"],"depth":10,"snapshot":true}}`)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	if s := f.feed.Stats(); s.Resyncs != 1 || s.ChecksumBad != 1 || s.Disconnects != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestFeedComesBackAfterADisconnect(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	f.conn.Close()
	f.told("status 2 STALE disconnected")
	if f.feed.State() != FeedPausing || f.feed.Work(f.now) != 0 {
		t.Fatal("does not pause")
	}
	f.now += second
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
}

func TestFeedGivesUpSilentAndUnconfirmedConnections(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	f.now += 5 * second
	f.feed.Work(f.now)
	expect(t, f.took())
	f.now++
	f.feed.Work(f.now)
	expect(t, f.took(), "status 2 STALE no data within the limit")
	if !errors.Is(f.feed.Err(), ErrSilent) {
		t.Fatal(f.feed.Err())
	}
	f.now += second
	f.connected(1)
	for range 6 {
		f.say(`{"channel":"heartbeat"}`)
		f.until("heartbeat", func() bool { return f.feed.heard == f.now })
		f.now += second
	}
	f.feed.Work(f.now)
	if !errors.Is(f.feed.Err(), ErrUnconfirmed) {
		t.Fatal(f.feed.Err())
	}
}

func TestFeedGivesUpARefusedSubscription(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(`{"error":"Currency pair not supported X/Y","method":"subscribe","success":false,"symbol":"X/Y"}`)
	f.until("refusal", func() bool { return f.feed.State() == FeedPausing })
	if !errors.Is(f.feed.Err(), ErrRefused) || !strings.Contains(f.feed.Err().Error(), "not supported") {
		t.Fatal(f.feed.Err())
	}
}

func TestFeedWatchesTheHeartbeatOfEachProduct(t *testing.T) {
	v := venues[1]
	f := newFeedTest(t, v)
	expect(t, f.connected(1), `{"type":"subscribe","product_ids":["BTC-USD","BTCUSDT"],"channels":["level2_batch","heartbeat","matches"]}`)
	f.say(`{"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD","BTCUSDT"]}]}`,
		v.samples[0], `{"type":"snapshot","product_id":"BTCUSDT","bids":[],"asks":[]}`)
	f.told("status 2 LIVE snapshot complete")
	f.now += 4 * second
	f.say(v.samples[3])
	f.until("heartbeat", func() bool { return f.feed.heard == f.now })
	f.now += 2 * second
	f.feed.Work(f.now)
	expect(t, f.took(), "status 2 STALE no data within the limit")
	expect(t, f.sent(2), `{"type":"unsubscribe","product_ids":["BTCUSDT"],"channels":["level2_batch"]}`,
		`{"type":"subscribe","product_ids":["BTCUSDT"],"channels":["level2_batch"]}`)
}

func TestFeedLetsALargeSnapshotWaitForRoom(t *testing.T) {
	v := venues[1]
	f := newFeedTest(t, v)
	f.connected(1)
	var levels []string
	for range 5000 {
		levels = append(levels, `["1.01","1"]`)
	}
	f.say(`{"type":"subscriptions","channels":[{"name":"level2","product_ids":["BTC-USD","BTCUSDT"]}]}`,
		`{"type":"snapshot","product_id":"BTC-USD","bids":[`+strings.Join(levels, ",")+`],"asks":[]}`,
		`{"type":"l2update","product_id":"BTC-USD","changes":[["buy","1.01","2"]]}`)
	total := 0
	f.room = 0
	f.until("end of snapshot", func() bool {
		f.now += second / 200
		f.room = 100
		total += len(f.lines)
		last := len(f.lines) > 0 && f.lines[len(f.lines)-1] == "level 1 buy 101x200000000"
		f.took()
		return last
	})
	if total != 5003 || f.feed.Stats().Dropped != 0 {
		t.Fatalf("%d events, %+v", total, f.feed.Stats())
	}
}

func TestResyncAsksForASnapshot(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	f.now += 3 * second
	f.feed.Resync(f.now, 2)
	f.feed.Resync(f.now, 2)
	expect(t, f.took(), "status 2 STALE absurd value")
	f.feed.Work(f.now)
	f.sent(2)
	f.say(venues[0].samples[0])
	f.told("LIVE snapshot complete")
}

func TestPausesGrowAndDiffer(t *testing.T) {
	f := newFeedTest(t, krakenOne()).feed
	seen := map[int64]bool{}
	for f.tries = range 70 {
		p, limit := f.pause(), int64(min(8*second, second<<min(f.tries, 10)))
		if p < limit/2 || p > limit {
			t.Fatalf("attempt %d: %d, limit %d", f.tries, p, limit)
		}
		seen[p] = true
	}
	if len(seen) < 60 {
		t.Fatalf("%d different pauses of 70", len(seen))
	}
}

func TestFeedWithoutAServerKeepsTrying(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	f := newFeedTest(t, krakenOne())
	f.feed.endpoints[0].Addr = addr
	for range 3 {
		f.until("refused", func() bool { return f.feed.State() == FeedPausing && f.feed.Err() != nil })
		f.now += 8 * second
		f.feed.Work(f.now)
	}
	if s := f.feed.Stats(); s.Disconnects < 3 {
		t.Fatalf("%+v", s)
	}
	expect(t, f.took(), "status 2 STALE disconnected")
}

func TestFeedRefusesBadLimits(t *testing.T) {
	good := FeedConfig{Addr: "127.0.0.1:9", Path: "/", MaxMessage: 1, ConnectNanos: 1, ConfirmNanos: 1,
		SilenceNanos: 1, RetryNanos: 1, RetryMaxNanos: 1, SnapshotNanos: 1}
	d, err := NewCoinbase(Config{Sink: func(*event.Event) bool { return true }, StallNanos: 1,
		Symbols: plainSymbols[:1]}, true)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*FeedConfig){
		"path":    func(c *FeedConfig) { c.Path = "x" },
		"inject":  func(c *FeedConfig) { c.Path = "/ HTTP/1.1\r\nX: y" },
		"message": func(c *FeedConfig) { c.MaxMessage = 0 },
		"silence": func(c *FeedConfig) { c.SilenceNanos = 0 },
		"retry":   func(c *FeedConfig) { c.RetryMaxNanos = 0 },
		"addr":    func(c *FeedConfig) { c.Addr = "nowhere" },
		"age":     func(c *FeedConfig) { c.MaxAgeNanos = -1 },
		"control": func(c *FeedConfig) { c.ControlNanos = -1 },
		"fetch":   func(c *FeedConfig) { c.SnapshotBase = "https://host" },
		"tries":   func(c *FeedConfig) { c.Fallback = []Endpoint{{Addr: "127.0.0.1:9", Path: "/"}} },
		"other":   func(c *FeedConfig) { c.Fallback, c.FailoverTries = []Endpoint{{Addr: "127.0.0.1:9"}}, 1 },
	} {
		c := good
		spoil(&c)
		if _, err := NewFeed(c, d); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewFeed(good, d); err != nil {
		t.Fatal(err)
	}
}

// change sets limits after newFeedTest, before the first connection.
func (f *feedTest) change(set func(*FeedConfig)) *feedTest {
	f.t.Helper()
	c := f.feed.cfg
	set(&c)
	feed, err := NewFeed(c, f.feed.decoder)
	if err != nil {
		f.t.Fatal(err)
	}
	f.feed = feed
	f.t.Cleanup(func() { feed.Close() })
	return f
}

// frame reads the next frame that the feed sends.
func (f *feedTest) frame() (ws.OpCode, string) {
	f.t.Helper()
	h, payload, err := readFrame(f.conn)
	if err != nil {
		f.t.Fatal(err)
	}
	return h.OpCode, string(payload)
}

func (f *feedTest) pong() {
	f.t.Helper()
	if err := ws.WriteFrame(f.conn, ws.NewPongFrame(nil)); err != nil {
		f.t.Fatal(err)
	}
}

func binanceOne() venue {
	v := venues[2]
	v.config.Symbols = v.config.Symbols[:1]
	return v
}

// TestFeedTellsAQuietMarketFromADeadPeer: Binance sends no heartbeat, so a pong
// keeps the connection; without it the connection is given up.
func TestFeedTellsAQuietMarketFromADeadPeer(t *testing.T) {
	f := newFeedTest(t, binanceOne())
	f.connected(1)
	f.say(`{"result":null,"id":1}`)
	f.until("confirmed", func() bool { return f.feed.State() == FeedRunning })
	for range 10 {
		f.now += 3 * second
		f.feed.Work(f.now)
		if op, _ := f.frame(); op != ws.OpPing {
			t.Fatalf("sent %v", op)
		}
		f.pong()
		f.until("pong", func() bool { return f.feed.heard == f.now })
	}
	f.now += 5*second + 1
	f.feed.Work(f.now)
	if !errors.Is(f.feed.Err(), ErrSilent) {
		t.Fatal(f.feed.Err())
	}
}

// TestFeedGivesUpAServerWhoseMessagesAreOld: messages come, but the answer to a
// ping stays behind them for too long.
func TestFeedGivesUpAServerWhoseMessagesAreOld(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	beat := func() {
		f.now += second
		f.say(`{"channel":"heartbeat"}`)
		f.until("heartbeat", func() bool { return f.feed.heard == f.now })
	}
	for range 3 {
		beat()
	}
	if op, _ := f.frame(); op != ws.OpPing {
		t.Fatalf("sent %v", op)
	}
	f.pong()
	for range 8 { // the second ping leaves in the third of these
		beat()
	}
	f.now += second
	f.feed.Work(f.now)
	if !errors.Is(f.feed.Err(), ErrLagging) || !strings.HasSuffix(f.took(), "STALE no data within the limit") {
		t.Fatal(f.feed.Err())
	}
}

// TestFeedKeepsAVenueThatNeverAnswersPings as long as it sends something.
func TestFeedKeepsAVenueThatNeverAnswersPings(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	for range 20 {
		f.now += second
		f.say(`{"channel":"heartbeat"}`)
		f.until("heartbeat", func() bool { return f.feed.heard == f.now })
	}
	if s := f.feed.Stats(); s.Disconnects != 0 || s.Pings < 3 {
		t.Fatalf("%+v", s)
	}
}

// part sends a part of a message.
func (f *feedTest) part(text string) {
	f.t.Helper()
	if _, err := f.conn.Write([]byte(text)); err != nil {
		f.t.Fatal(err)
	}
	bytes := f.feed.bytes
	f.until("part", func() bool { return f.feed.bytes > bytes })
}

func TestFeedGivesUpAServerThatTrickles(t *testing.T) {
	f := newFeedTest(t, krakenOne())
	f.connected(1)
	f.say(krakenConfirm)
	f.until("confirmed", func() bool { return f.feed.State() == FeedRunning })
	f.part("\x81\x7e\x10\x00") // a long snapshot may take its time
	for range 10 {
		f.now += 2 * second
		f.part("x")
	}
	if s := f.feed.Stats(); s.Disconnects != 0 {
		t.Fatal(f.feed.Err())
	}
	f.now += 40 * second
	f.feed.Work(f.now)
	if !errors.Is(f.feed.Err(), ErrSilent) {
		t.Fatal(f.feed.Err())
	}
	f.now += second
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	f.part("\x81\x7e\x10\x00")
	for range 2 {
		f.now += 2 * second
		f.part("x")
	}
	f.now += 2 * second // a LIVE book may not wait for its update
	f.feed.Work(f.now)
	expect(t, f.took(), "status 2 STALE no data within the limit")
}

// pinging is Kraken with a ping of its own.
type pinging struct {
	*Kraken
	nanos int64
}

func (pinging) ping(dst []byte) []byte { return append(dst, `{"op":"ping"}`...) }
func (p pinging) pingNanos() int64     { return p.nanos }

func TestFeedSendsTheVenuesOwnPing(t *testing.T) {
	testOwnPing(t, 2*second, 2*second)
	testOwnPing(t, 20*second, 3*second) // quiet for more than half of the limit
}

func testOwnPing(t *testing.T, nanos, step int64) {
	f := newFeedTest(t, krakenOne())
	f.feed.decoder = pinging{f.feed.decoder.(*Kraken), nanos}
	f.change(func(*FeedConfig) {})
	f.connected(1)
	f.say(krakenConfirm)
	f.until("confirmed", func() bool { return f.feed.State() == FeedRunning })
	for range 3 {
		f.now += step
		f.feed.Work(f.now)
		f.feed.Work(f.now)
		if op, text := f.frame(); op != ws.OpText || text != `{"op":"ping"}` {
			t.Fatalf("sent %v %s", op, text)
		}
		f.say(`{"channel":"heartbeat"}`)
		f.until("heartbeat", func() bool { return f.feed.heard == f.now })
	}
	if s := f.feed.Stats(); s.Pings != 3 {
		t.Fatalf("%+v", s)
	}
}

func TestFeedHeedsTheLimitOnMessages(t *testing.T) {
	v := venues[1]
	f := newFeedTest(t, v).change(func(c *FeedConfig) { c.ControlNanos = second / 2 })
	f.connected(1)
	f.say(`{"type":"subscriptions","channels":[{"name":"level2_batch","product_ids":["BTC-USD","BTCUSDT"]}]}`,
		v.samples[0], `{"type":"snapshot","product_id":"BTCUSDT","bids":[],"asks":[]}`)
	f.told("status 2 LIVE snapshot complete")
	f.now += 3 * second
	f.feed.Resync(f.now, 1)
	f.feed.Resync(f.now, 2)
	for _, want := range []string{`unsubscribe","product_ids":["BTC-USD"]`, `subscribe","product_ids":["BTC-USD"]`,
		`unsubscribe","product_ids":["BTCUSDT"]`, `subscribe","product_ids":["BTCUSDT"]`} {
		f.feed.Work(f.now)
		sent := f.feed.outgoing.sent
		f.feed.Work(f.now + second/2 - 1)
		if f.feed.outgoing.sent != sent || sent != f.now {
			t.Fatalf("%s: %d, then %d, now %d, left %s", want, sent, f.feed.outgoing.sent, f.now, f.feed.outgoing.lines)
		}
		if got := f.sent(1); !strings.Contains(got, want) {
			t.Fatalf("sent %s, want %s", got, want)
		}
		f.now += second / 2
	}
	if !f.feed.outgoing.empty() {
		t.Fatalf("left: %s", f.feed.outgoing.lines)
	}
}

func TestFeedReplacesAnAgedConnection(t *testing.T) {
	f := newFeedTest(t, krakenOne()).change(func(c *FeedConfig) { c.MaxAgeNanos = 3 * second })
	f.connected(1)
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
	f.now += 3*second + 1
	f.feed.Work(f.now)
	if !errors.Is(f.feed.Err(), ErrAged) {
		t.Fatal(f.feed.Err())
	}
	f.connected(1) // without a pause
	f.say(krakenConfirm, venues[0].samples[0])
	f.told("LIVE snapshot complete")
}

func TestFeedTriesOtherEndpoints(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	f := newFeedTest(t, krakenOne())
	f.change(func(c *FeedConfig) {
		c.Fallback = []Endpoint{{Addr: c.Addr, Path: "/other"}}
		c.Addr, c.FailoverTries = dead.Addr().String(), 2
	})
	for range 2 {
		f.until("refused", func() bool { return f.feed.State() == FeedPausing && f.feed.stats.Disconnects > 0 })
		f.now += 8 * second
		f.feed.Work(f.now)
	}
	f.connected(1)
	if s := f.feed.Stats(); s.Failovers != 1 || s.Connects != 3 {
		t.Fatalf("%+v", s)
	}
}

// TestFeedWaitsAsLongAsTheServerAsks: the upgrade is refused with Retry-After.
func TestFeedWaitsAsLongAsTheServerAsks(t *testing.T) {
	addr := rawPeer(t, func(c net.Conn) {
		c.Write([]byte("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n"))
		io.Copy(io.Discard, c)
	})
	f := newFeedTest(t, krakenOne()).change(func(c *FeedConfig) { c.Addr = addr })
	f.until("refused", func() bool { return f.feed.Err() != nil })
	f.now += 99 * second
	f.feed.Work(f.now)
	if s := f.feed.Stats(); s.Connects != 1 {
		t.Fatalf("%+v", s)
	}
	f.now += second
	f.feed.Work(f.now)
	if s := f.feed.Stats(); s.Connects != 2 {
		t.Fatalf("%+v", s)
	}
}
