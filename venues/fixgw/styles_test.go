package fixgw

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
	"penstock/venues/wire"
)

// styleKey is what the simulated venue knows of the key that signs our Logon.
func styleKey(t *testing.T, name string) (k serve.Key) {
	t.Helper()
	c := testCredentials[name]
	k.Name, k.Passphrase = c.APIKey, string(c.Passphrase)
	if name == "binance" {
		key, err := fix.ParseEd25519(pemBody(string(c.Secret)))
		if err != nil {
			t.Fatal(err)
		}
		k.Public = key.Public().(ed25519.PublicKey)
		return k
	}
	var err error
	if k.Secret, err = base64.StdEncoding.DecodeString(string(c.Secret)); err != nil {
		t.Fatal(err)
	}
	return k
}

// newStyleRig is a gateway in a dialect and a simulated venue that demands what the dialect's
// venue demands, in the same market as ever.
func newStyleRig(t *testing.T, name string, spoil func(*serve.Venue)) *simRig {
	t.Helper()
	style, ok := serve.StyleByName(name)
	if !ok {
		t.Fatalf("no style %s", name)
	}
	cfg := dialectConfig(t, name)
	in := market.Instrument{ID: 3, Symbol: "ACME", Currency: "USD", PriceDecimals: 4, Tick: 100, Lot: 1}
	venues := serve.DemoVenues(in, 1, cfg.SenderCompID)
	v := &venues[1] // its feed is over WebSocket: nothing but orders matters here
	v.Name, v.Style, v.Key = cfg.TargetCompID, style, styleKey(t, name)
	if spoil != nil {
		spoil(v)
	}
	m, err := serve.Start(serve.Config{Instrument: in, Flow: sim.DefaultFlow(1, 0, 1_000_000), Venues: venues})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	r := &simRig{rig: &rig{t: t}, server: m.Venue(cfg.TargetCompID), in: in, fills: map[uint64]market.Qty{}}
	if r.poller, err = wire.NewPoller(1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.poller.Close() })
	cfg.Addr, cfg.Sink = r.server.OrderAddr(), r.sink
	if r.g, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.g.Close() })
	return r
}

// Each dialect logs on, trades, rests, asks and cancels over a socket with a venue that
// checks the signature and the tags, and reports in its own.
func TestEachDialectTradesWithItsVenue(t *testing.T) {
	for _, name := range []string{"coinbase", "binance", "kraken", "cboe", "nasdaq", "iex"} {
		t.Run(name, func(t *testing.T) {
			r := newStyleRig(t, name, nil)
			r.untilEvent("session", sessionUp)
			ask := r.server.Depth(market.Sell, 1)[0]
			take := takeOrder()
			take.Price, take.Qty = ask.Price+1000, ask.Qty
			if !r.g.Send(wall(), take) {
				t.Fatal("refused")
			}
			e := r.untilEvent("fill", func(e *event.Event) bool {
				return e.Kind == event.Exec && e.Ref == child && e.Code == uint8(market.ExecTrade)
			})
			if e.Liquidity != market.LiquidityRemoved || e.LastQty == 0 || e.LastPx == 0 || e.CumQty < e.LastQty {
				t.Errorf("fill: %+v", e)
			}
			if !e.OrdStatus.Terminal() {
				r.untilEvent("end", done(child))
			}
			post := takeOrder()
			post.Child, post.TIF, post.Price = child+1, market.TIFDay, ask.Price-50_000
			if name != "iex" { // which does not offer it
				post.ExecInst = market.ExecInstPostOnly
			}
			if !r.g.Send(wall(), post) {
				t.Fatal("post-only refused")
			}
			if e := r.untilEvent("acceptance", func(e *event.Event) bool { return e.Kind == event.Exec && e.Ref == child+1 }); e.OrdStatus != market.StatusNew {
				t.Fatalf("resting order: %+v", e)
			}
			r.g.Send(wall(), &event.Command{Kind: event.SendStatus, Child: child + 1, Side: market.Buy, Instrument: 3})
			if e := r.untilEvent("status", func(e *event.Event) bool { return e.Code == uint8(market.ExecOrderStatus) }); e.Ref != child+1 ||
				e.LeavesQty != post.Qty || e.OrdStatus != market.StatusNew {
				t.Errorf("status: %+v", e)
			}
			r.g.Send(wall(), &event.Command{Kind: event.SendCancel, Child: child + 1, Ref: child + 2, Instrument: 3, Side: market.Buy,
				Qty: post.Qty})
			if e := r.untilEvent("cancel", done(child+1)); e.OrdStatus != market.StatusCanceled || e.CumQty != 0 {
				t.Errorf("cancel: %+v", e)
			}
			if s := r.g.Stats(); s.Malformed != 0 || s.Session.RejectsIn != 0 || s.NotOurs != 0 {
				t.Errorf("stats %+v", s)
			}
			sum := market.Qty(0)
			for _, f := range r.server.Trades(r.g.cfg.SenderCompID) {
				sum += f.Qty
			}
			if sum != r.fills[child] {
				t.Errorf("we know of %d, the venue of %d", r.fills[child], sum)
			}
		})
	}
}

// The venues do check: another key, another order of words, is refused.
func TestStyledVenuesRefuseWhatIsWrong(t *testing.T) {
	for _, name := range []string{"coinbase", "binance", "kraken"} {
		r := newStyleRig(t, name, func(v *serve.Venue) {
			v.Key.Secret = append([]byte{1}, v.Key.Secret...)
			if v.Key.Public != nil {
				v.Key.Public = append(ed25519.PublicKey{v.Key.Public[0] ^ 1}, v.Key.Public[1:]...)
			}
		})
		r.until("refused", func() bool { r.now = wall(); return r.g.Stats().Disconnects > 0 })
		if s := r.g.Stats(); s.Connects != 0 || !strings.Contains(s.LastClose, "signature") {
			t.Errorf("%s: connects %d, closed because %q", name, s.Connects, s.LastClose)
		}
	}
	r := newStyleRig(t, "cboe", nil) // and Nasdaq's spelling is not Cboe's
	d, _ := DialectByName("nasdaq")
	d.SubIDs = true
	r.g.Close()
	cfg := dialectConfig(t, "cboe")
	cfg.Addr, cfg.Sink, cfg.Dialect, cfg.Account = r.server.OrderAddr(), r.sink, d, Account{Capacity: "P", SenderSubID: "0001", TargetSubID: "TEST"}
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	r.g = g
	r.untilEvent("session", sessionUp)
	if !r.g.Send(wall(), takeOrder()) {
		t.Fatal("refused here")
	}
	if e := r.untilEvent("refusal", done(child)); e.Code != uint8(market.ExecRejected) {
		t.Errorf("got %+v", e)
	}
}
