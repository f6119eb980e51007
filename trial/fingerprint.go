package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// fingerprintParents are those by which BASELINE is known: in ordinary markets and others, small
// and large.
var fingerprintParents = []struct {
	seed   uint64
	regime string
	qty    market.Qty
}{
	{50_001, "nominal", 10_000}, {50_002, "nominal", 40_000}, {50_003, "calm", 20_000}, {50_004, "volatile", 20_000},
	{50_005, "thin", 30_000}, {50_006, "wide", 10_000}, {50_007, "outage", 20_000},
}

// Fingerprint names what BASELINE does: a hash of the orders and cancels that it sends for some
// parents. A table that beat another BASELINE has proved nothing about this one.
func Fingerprint() (string, error) {
	h := sha256.New()
	for _, f := range fingerprintParents {
		r, ok := sim.RegimeNamed(f.regime)
		if !ok {
			return "", fmt.Errorf("trial: no regime %q", f.regime)
		}
		_, err := Run(Draw(f.seed, r, f.qty, 900, 60), &Policy{Strategy: event.StrategyIS}, func(e *event.Event, out *event.Output) {
			for i := range out.Commands {
				if c := &out.Commands[i]; c.Kind.ToVenue() {
					fmt.Fprintln(h, e.StepTime, c.Kind, c.Venue, c.Side, c.Price, c.Qty, c.MinQty, c.OrdType, c.TIF, c.ExecInst)
				}
			}
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
