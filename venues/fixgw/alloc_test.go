package fixgw

import (
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

const quote = "131=Q5|117=Q77|537=1|55=EUR/USD|132=1.08510|133=1.08530|134=1000000|135=500000|" +
	"62=20261120-14:30:00.623|60=20261120-14:30:00.123"

// No message of either direction makes garbage, in any dialect, once its kind was seen.
func TestNoMessageAllocates(t *testing.T) {
	inbound := map[string]string{
		"new": "35=8|11=261120143000000001|14=0|17=E1|37=9|38=300|39=0|54=1|55=ACME|150=0|151=300", "fill": "35=8|" + fill(7, 100),
		"canceled":       "35=8|11=261120143000000002|41=261120143000000001|14=0|17=E2|39=4|55=ACME|150=4|151=0",
		"rejected":       "35=8|11=261120143000000001|14=0|17=E3|39=8|55=ACME|58=no such luck|103=99|150=8|151=0",
		"expired":        "35=8|11=261120143000000001|14=0|17=E4|39=C|55=ACME|150=C|151=0",
		"restated":       "35=8|11=261120143000000001|14=0|17=E5|39=0|55=ACME|150=D|151=9|378=3",
		"busted":         "35=8|11=261120143000000001|14=0|17=E6|19=E1|39=0|55=ACME|150=H|151=9",
		"status":         "35=8|6=100.12345|11=261120143000000001|14=5|17=E7|39=1|55=ACME|150=I|151=5",
		"foreign":        "35=8|11=6f9619ff-8b86-4011-b42d-00c04fc964ff|14=0|17=6f9619ff-8b86-4011-b42d-00c04fc964ff|39=0|55=ACME|150=0|151=9",
		"cancel reject":  "35=9|11=261120143000000002|37=9|39=2|41=261120143000000001|102=0|434=1|60=20261120-14:30:00.122",
		"quote":          "35=S|" + quote,
		"mass quote":     ladder,
		"quote cancel":   "35=Z|131=Q5|117=*|298=4",
		"reject":         "35=3|45=77|372=D|373=5|58=bad price",
		"business":       "35=j|45=77|372=D|379=999|380=0",
		"never heard of": "35=B|148=news",
	}
	for _, d := range dialects {
		cfg := dialectConfig(t, d.Name)
		cfg.Symbols = testSymbols
		g, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for name, body := range inbound {
			frame := wrap(body[:4] + "|34=7|49=XLIT|52=20261120-14:30:00.123|56=SOR" + body[4:])
			var m fix.Message
			m.Next(frame, fix.MaxFrame)
			m.Next(frame, fix.MaxFrame)
			if n := testing.AllocsPerRun(50, func() {
				if n, garbled, parsed := m.Next(frame, fix.MaxFrame); n == 0 || garbled != nil || parsed != nil {
					t.Fatal(name, garbled, parsed)
				}
				if !g.onMessage(&m, 1) {
					t.Fatal("not taken")
				}
			}); n != 0 {
				t.Errorf("%s, %s: %v allocations", d.Name, name, n)
			}
		}
		if g.Stats().Malformed != 0 {
			t.Errorf("%s: %s", d.Name, g.Stats().LastMalformed)
		}
		g.Close()
	}
}

// leastAllocs returns the allocations of f in the calmest of some rounds: what the runtime and
// the venue do meanwhile is counted too.
func leastAllocs(runs int, f func()) float64 {
	least := testing.AllocsPerRun(runs, f)
	for round := 0; round < 3 && least > 0; round++ {
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}

// Every style of order, a cancel and a status request leave without garbage.
func TestNoCommandAllocates(t *testing.T) {
	r := newRig(t, nil)
	r.up()
	r.g.cfg.OnSent = func(*event.Command, int64) {}
	id, _ := event.MakeID("Q77")
	var commands []event.Command
	for _, st := range styles {
		commands = append(commands, event.Command{Kind: event.SendOrder, OrdType: st.ordType, TIF: st.tif, ExecInst: st.execInst,
			Price: 1002500, MinQty: 100, ID: id})
	}
	commands = append(commands, event.Command{Kind: event.SendCancel, Ref: child + 1}, event.Command{Kind: event.SendStatus})
	for i := range commands {
		c := &commands[i]
		c.Child, c.Instrument, c.Side, c.Qty = child, 3, market.Sell, 300
		send := func() {
			r.now += 1e6
			c.Child++
			if !r.g.Send(r.now, c) {
				t.Fatal("refused")
			}
			r.g.Work(r.now)
		}
		if n := leastAllocs(50, send); n != 0 {
			t.Errorf("%v %v %v %v: %v allocations", c.Kind, c.OrdType, c.TIF, c.ExecInst, n)
		}
	}
}
