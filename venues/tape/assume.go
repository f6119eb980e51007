package tape

import (
	"fmt"
	"strings"
	"time"

	"penstock/market"
)

// assumptions says in sentences what was added to the recordings.
func (p *Plan) assumptions() []string {
	var list []string
	for i := range p.Feeds {
		f := &p.Feeds[i]
		if f.Basis != "" {
			list = append(list, fmt.Sprintf("%s: prices are shifted to %s by the difference of the two "+
				"midpoints at the last tenth of a second, rounded to the tick; the best %d levels a side.",
				f.Venue, f.Basis, basisDepth))
		}
		if f.Format == "binance-cm" {
			list = append(list, fmt.Sprintf("%s: contracts of %d dollars become lots at the price of their "+
				"level, rounded down.", f.Venue, f.contract(f.Symbol)))
		}
		if p.Venue(f.Venue).Kind == market.SDP {
			list = append(list, fmt.Sprintf("%s: quotes are taken to be for %d a side and good until "+
				"replaced, at most %s; the recording has no sizes.",
				f.Venue, f.size(), time.Duration(f.life())))
		}
	}
	return append(list, "Fees are assumed rates like those of a small client, not part of the recordings.")
}

// contract is the size of a coin-margined contract in dollars: by Binance's rule
// 100 for BTC, 10 for everything else.
func (f *Feed) contract(symbol string) int64 {
	switch {
	case f.Contract > 0:
		return f.Contract
	case strings.HasPrefix(symbol, "BTC"):
		return 100
	}
	return 10
}

func (f *Feed) size() int64 {
	if f.Size > 0 {
		return f.Size
	}
	return DefaultQuoteSize
}

func (f *Feed) life() int64 {
	if f.Life > 0 {
		return int64(f.Life)
	}
	return int64(DefaultQuoteLife)
}
