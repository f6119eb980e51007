package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"penstock/internal/emsclient"
	"penstock/market"
	"penstock/router/loop"
	"penstock/venues/sim"
	"penstock/venues/sim/serve"
)

// deskOrders returns what every venue of the rig knows of the router's orders.
func (r *demoRig) deskOrders() (all map[string][]sim.OrderState) {
	all = map[string][]sim.OrderState{}
	for _, v := range r.m.Venues() {
		all[v.Name()] = v.Orders(demoRouter)
	}
	return all
}

// TestIcebergAndShortSaleReachTheVenues sells short with a display quantity through the whole
// router to simulated venues, with the first one in FIX and in OUCH: they get the mark and what
// to display, and the accounts agree. Meanwhile a venue's feed announces a price test.
func TestIcebergAndShortSaleReachTheVenues(t *testing.T) {
	t.Parallel()
	for _, protocol := range []serve.Orders{serve.FIX44, serve.OUCH50} {
		t.Run(fmt.Sprint(protocol), func(t *testing.T) {
			t.Parallel()
			r := newRigOf(t, demoOptions{symbol: "PSTK", seed: 5, orders: protocol, side: market.Sell}, func(cfg *Config) {
				text, err := os.ReadFile(cfg.Path)
				if err != nil {
					t.Fatal(err)
				}
				// Nothing but books: dealers would get all of it.
				changed := strings.Replace(string(text), `venues = ["*"]`, `venues = ["LITA", "LITB", "LITC"]`+"\n  short = true", 1)
				if err := os.WriteFile(cfg.Path, []byte(changed), 0o600); err != nil {
					t.Fatal(err)
				}
				again, err := LoadConfig(cfg.Path)
				if err != nil || changed == string(text) {
					t.Fatal(err)
				}
				*cfg = *again
			})
			if err := r.client.SendOrder(emsclient.NewOrder{ClOrdID: "S-1", Symbol: "PSTK", Side: market.Sell, Qty: 6_000, TIF: market.TIFDay,
				Strategy: 1001, EndTime: clock() + int64(3*time.Second), SliceSeconds: 1,
				Mark: market.Short, Locator: "LOCATOR", MaxFloor: 200}); err != nil {
				t.Fatal(err)
			}
			r.until("a part displayed at a lit venue", func(s *loop.Sequencer) bool {
				for i := range s.Core().Children() {
					if s.Core().Children()[i].Show > 0 {
						return true
					}
				}
				return false
			})
			if err := r.m.Venue("LITA").TestShorts(true); err != nil {
				t.Fatal(err)
			}
			r.until("the price test", func(s *loop.Sequencer) bool { return s.Core().Counters.ShortBans > 0 })
			if err := r.m.Venue("LITA").TestShorts(false); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			defer cancel()
			if o, err := r.client.Wait(ctx, "S-1"); err != nil || o.OrdStatus == market.StatusRejected {
				t.Fatalf("%+v, %v", o, err)
			}
			marked, reserves := 0, 0
			for name, orders := range r.deskOrders() {
				for _, o := range orders {
					if o.Mark != market.Short {
						t.Errorf("%s has order %v without the mark", name, o.ClOrdID)
					}
					marked++
					ouch := name == "LITA" && protocol == serve.OUCH50 // which has no field for it
					if located := o.Locate.String() == "LOCATOR"; located == ouch {
						t.Errorf("%s: order %v says that %q located the stock", name, o.ClOrdID, o.Locate.String())
					}
					if o.TIF == market.TIFDay && o.OrdType == market.OrdLimit && strings.HasPrefix(name, "LIT") {
						shown := o.OrderQty
						if o.MaxFloor > 0 {
							shown = o.MaxFloor
							reserves++
						}
						if shown > 200 {
							t.Errorf("%s shows %d of order %v", name, shown, o.ClOrdID)
						}
					}
				}
			}
			if marked == 0 || reserves == 0 {
				t.Errorf("%d orders, %d of them in reserve", marked, reserves)
			}
			r.finish("S-1")
		})
	}
}
