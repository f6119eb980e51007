package router

import (
	"testing"

	"penstock/event"
)

// TestDisplayQuantity runs the scripts of testdata/display: LITA keeps reserves, LITB does not.
func TestDisplayQuantity(t *testing.T) {
	runScripts(t, "testdata/display", 3, func() *Config {
		cfg := testConfig()
		cfg.Venues[0].Reserve = true
		return cfg
	})
}

// TestShortSales runs the scripts of testdata/short: LITA takes short sales, LITB only those
// that are exempt, and the dealer none. Client 0 may sell short, and exempt.
func TestShortSales(t *testing.T) {
	runScripts(t, "testdata/short", 3, func() *Config {
		cfg := testConfig()
		cfg.Venues[0].Shorts, cfg.Venues[0].Exempts, cfg.Venues[1].Exempts, cfg.Venues[2].Shorts = true, true, true, true
		cfg.Controls.Clients[0].Short, cfg.Controls.Clients[0].Exempt = true, true
		return cfg
	})
}

// TestShortSalesNeedPermission: each mark its own, and no controls permit none.
func TestShortSalesNeedPermission(t *testing.T) {
	for _, c := range []struct {
		short, exempt, unlocated, none bool
		order                          string
		want                           event.Reason
	}{
		{order: "short", want: event.ReasonNoShorts},
		{exempt: true, order: "short", want: event.ReasonNoShorts},
		{short: true, order: "short-exempt", want: event.ReasonNoShorts},
		{short: true, order: "unlocated", want: event.ReasonLocate},
		{short: true, unlocated: true, order: "unlocated"},
		{short: true, order: "short"},
		{exempt: true, order: "short-exempt"},
		{none: true, order: "short", want: event.ReasonNoShorts},
		{order: "sell"},
	} {
		cfg := testConfig()
		p := &cfg.Controls.Clients[0]
		if p.Short, p.Exempt, p.Unlocated = c.short, c.exempt, c.unlocated; c.none {
			cfg.Controls = nil
		}
		s := newScriptOf(t, cfg)
		s.line("book LITA 49.99x300 50.01x300")
		s.line("parent C1 " + c.order + " 500 market twap 60s 20s")
		if got := s.out.Commands[0].Reason; got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
