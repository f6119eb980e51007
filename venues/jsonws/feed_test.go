package jsonws

import (
	"errors"
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
	if f.feed.addr, err = wire.Resolve(addr); err != nil {
		t.Fatal(err)
	}
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
