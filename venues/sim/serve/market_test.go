package serve

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

func TestCloseEndsEveryGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	m := startMarket(t)
	var clients []*fixClient
	for _, v := range m.Venues() {
		c := newFIXClient(t, v.Name())
		c.connect(v.OrderAddr())
		clients = append(clients, c)
		if v.FeedAddr() != "" {
			dialWS(t, v)
		}
	}
	m.Venue("LITB").PauseWrites(true)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range clients {
		c.untilClosed()
		c.hangUp()
	}
	within(t, "all goroutines ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"LITA: name used twice":           func(c *Config) { c.Venues[1].Name = "LITA" },
		"SDP1: there must be a client":    func(c *Config) { c.Venues[5].Clients = nil },
		"a lit venue needs a feed":        func(c *Config) { c.Venues[0].Feed = NoFeed },
		"only lit venues have a feed":     func(c *Config) { c.Venues[3].Feed = ITCH },
		"ITCH needs whole lots":           func(c *Config) { c.Instrument.QtyDecimals = 2 },
		"StaleNanos must be positive":     func(c *Config) { c.Venues[3].StaleNanos = 0 },
		"QuoteQty must be a positive":     func(c *Config) { c.Venues[6].Dealer.QuoteQty = 0 },
		"RatePerSecond must be":           func(c *Config) { c.Flow.RatePerSecond = 0 },
		"venue LITC: feed: listen":        func(c *Config) { c.Venues[2].FeedAddr = "127.0.0.1:-1" },
		"there must be an exchange":       func(c *Config) { c.Venues = c.Venues[3:] },
		"LITA: receiver":                  func(c *Config) { c.Venues[0].Receivers = []string{"nowhere"} },
		"price must be at least 100 tick": func(c *Config) { c.Flow.Price = 1 },
	} {
		cfg := Config{
			Instrument: testInstrument(), Flow: sim.DefaultFlow(1, 0, 1_000_000),
			Venues: DemoVenues(testInstrument(), 1, testClient),
		}
		change(&cfg)
		m, err := Start(cfg)
		if err == nil {
			m.Close()
			t.Errorf("no error with %q", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q in it", err, want)
		}
	}
}

// TestSlowReaderIsDisconnected lets a client not read until its outbox is full.
func TestSlowReaderIsDisconnected(t *testing.T) {
	m := startMarket(t)
	v := m.Venue("LITC")
	c := newFIXClient(t, "LITC")
	c.connect(v.OrderAddr())
	v.PauseWrites(true)
	m.mu.Lock()
	out := v.orders.(*orderEntry).clients[0].out
	m.mu.Unlock()
	chunk := make([]byte, 1<<20)
	for range outboxLimit/len(chunk) + 1 {
		out.write(chunk)
	}
	c.untilClosed()
}

// BenchmarkMarket reports the processor time that the whole market takes with
// clients on all feeds, in percent of one core.
func BenchmarkMarket(b *testing.B) {
	m := startMarket(b)
	newITCHReader(b, m.Venue("LITA")).stream.SetReadBuffer(4 << 20)
	for name, subscribe := range map[string]string{
		"LITB": `{"method":"subscribe","params":{"channel":"book","symbol":["PNSK"]}}`,
		"LITC": `{"type":"subscribe","product_ids":["PNSK"],"channels":["level2_batch","matches"]}`,
	} {
		c := dialWS(b, m.Venue(name))
		c.say(subscribe)
		c.until(nil, "snapshot")
		go func() {
			for {
				if _, err := c.next(); err != nil {
					return
				}
			}
		}()
	}
	for _, name := range []string{"SDP1", "SDP2"} {
		c := newFIXClient(b, name)
		c.connect(m.Venue(name).OrderAddr())
		c.send(fix.MsgQuoteRequest, fix.TagQuoteReqID, "q", fix.TagNoRelatedSym, 1)
		c.take(message{35: "S"})
		go func() {
			for range c.in {
			}
		}()
	}
	depth := func() int { return len(m.Venue("LITA").Depth(market.Buy, 100)) }
	for b.Loop() {
		start, used := time.Now(), cpuTime()
		timer := time.NewTimer(3 * time.Second)
		<-timer.C
		b.ReportMetric(100*float64(cpuTime()-used)/float64(time.Since(start)), "%cpu")
		b.ReportMetric(float64(depth()), "levels")
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
