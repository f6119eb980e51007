package serve

import (
	"fmt"
	"slices"
	"strings"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
	"penstock/venues/sim"
)

// Style is what one kind of venue demands of FIX order entry and adds to it, as its
// documents say. The zero Style, with no name, is FIX 4.4 as a simulated venue speaks it.
type Style struct {
	Name             string
	beginString      string
	defaultApplVerID string
	reset            bool   // a Logon must reset the numbers
	header           []int  // that every message has
	order            []int  // that a NewOrderSingle(35=D) has
	never            []int  // that none may have
	cancel           []int  // that an OrderCancelRequest(35=F) has
	tifs             string // TimeInForce(59) that it takes
	longIDs          bool   // a ClOrdID(11) is a UUID
	old              bool   // reports say ExecTransType(20), and 150=1 or 2 for a trade
	logon            func(m *fix.Message, v *Venue) error
	exec             func(m *fix.Message) (market.ExecInst, bool) // false: not in its documents
	report           func(w *fix.Writer, r *sim.Report)           // its own fields
}

// StyleByName returns the style of a venue: coinbase, binance, kraken, cboe, nasdaq, iex.
func StyleByName(name string) (Style, bool) {
	for _, s := range styles {
		if s.Name == name {
			return s, true
		}
	}
	return Style{}, false
}

// coded reads post-only and the plain order from one value of one tag.
func coded(tag int, plain, postOnly string) func(*fix.Message) (market.ExecInst, bool) {
	return func(m *fix.Message) (market.ExecInst, bool) {
		v, _ := m.Get(tag)
		switch {
		case string(v) == plain:
			return market.ExecInstNone, true
		case postOnly != "" && string(v) == postOnly:
			return market.ExecInstPostOnly, true
		}
		return 0, false
	}
}

// feeCode says with A or R in FeeCode(9882) whether a fill added or removed.
func feeCode(w *fix.Writer, r *sim.Report) {
	code := "R"
	if r.Liquidity == market.LiquidityAdded {
		code = "A"
	}
	if r.ExecType == market.ExecTrade {
		w.Str(9882, code)
	}
}

// aggressor says it with AggressorIndicator(1057), and names the trade with TradeID(1003).
func aggressor(w *fix.Writer, r *sim.Report) {
	if r.ExecType != market.ExecTrade {
		return
	}
	w.Uint(1003, r.ExecID)
	taker := byte('Y')
	if r.Liquidity == market.LiquidityAdded {
		taker = 'N'
	}
	w.Char(fix.TagAggressorIndicator, taker)
}

var styles = []Style{
	{
		Name: "coinbase", beginString: "FIXT.1.1", defaultApplVerID: "9", reset: true, logon: checkCoinbase, longIDs: true,
		order: []int{11, 55, 54, 40, 38, 59}, never: []int{60, 21, 47}, cancel: []int{11, 41, 55}, tifs: "134",
		exec: coded(18, "", "A"), report: aggressor,
	},
	{
		Name: "binance", beginString: "FIX.4.4", reset: true, logon: checkBinance,
		order: []int{11, 55, 54, 40, 38}, never: []int{21, 47, 60}, cancel: []int{11, 41, 55}, tifs: "134",
		exec: coded(18, "", "6"), report: aggressor,
	},
	{
		Name: "kraken", beginString: "FIX.4.4", logon: checkKraken,
		order: []int{11, 55, 54, 40, 38, 59, 60}, never: []int{21, 47}, cancel: []int{11, 41, 55, 60}, tifs: "134",
		exec: coded(18, "", "P"),
		report: func(w *fix.Writer, r *sim.Report) {
			if r.ExecType == market.ExecTrade {
				w.Uint(527, r.ExecID) // counts the fills of the pair
				w.Char(fix.TagLastLiquidityInd, byte(r.Liquidity))
			}
		},
	},
	{
		Name: "cboe", beginString: "FIX.4.2", header: []int{50, 57}, old: true,
		order: []int{11, 21, 38, 40, 47, 54, 55, 60, 9303}, cancel: []int{11, 41, 54, 55, 60}, tifs: "0135",
		exec: coded(9303, "B", "P"), report: feeCode,
	},
	{
		Name: "nasdaq", beginString: "FIX.4.2", old: true,
		order: []int{11, 21, 38, 40, 47, 54, 55, 60, 9140}, cancel: []int{11, 41, 54, 55, 60}, tifs: "03",
		exec: coded(9140, "Y", "P"), report: feeCode,
	},
	{
		Name: "iex", beginString: "FIX.4.2", old: true,
		order: []int{11, 21, 38, 40, 47, 54, 55, 60}, cancel: []int{11, 41, 54, 55, 60}, tifs: "0134", exec: coded(18, "i", ""),
		report: func(w *fix.Writer, r *sim.Report) {
			if r.ExecType == market.ExecTrade {
				w.Char(fix.TagLastLiquidityInd, byte(r.Liquidity))
			}
		},
	},
}

// check refuses a message that lacks what the style demands, or has what it does not know.
func (s *Style) check(m *fix.Message, body []int) *fix.FieldError {
	for _, tag := range slices.Concat(s.header, body) {
		if _, ok := m.Get(tag); !ok {
			return m.Bad(tag, fix.RejectMissingTag)
		}
	}
	for _, tag := range s.never {
		if _, ok := m.Get(tag); ok {
			return m.Bad(tag, fix.RejectNotForType)
		}
	}
	if s.longIDs {
		if id, _ := m.Get(fix.TagClOrdID); len(id) != 36 || strings.Count(string(id), "-") != 4 {
			return m.Bad(fix.TagClOrdID, fix.RejectValue)
		}
	}
	return nil
}

// readOrder reads what a style has in place of the plain fields.
func (s *Style) readOrder(m *fix.Message, o *sim.Order) *fix.FieldError {
	if bad := s.check(m, s.order); bad != nil {
		return bad
	}
	if v, ok := m.Get(fix.TagTimeInForce); ok && !strings.Contains(s.tifs, string(v)) {
		return m.Bad(fix.TagTimeInForce, fix.RejectValue)
	}
	if o.TIF == market.TIFGTC {
		o.TIF = market.TIFDay // it rests: the engines have no days
	}
	inst, ok := s.exec(m)
	if !ok {
		return m.Bad(fix.TagExecInst, fix.RejectValue)
	}
	o.ExecInst = inst
	return nil
}

// checkLogon refuses a Logon that the style's venue refuses.
func (s *Style) checkLogon(m *fix.Message, v *Venue) error {
	if s.reset && !m.Flag(fix.TagResetSeqNumFlag) {
		return fmt.Errorf("%s: ResetSeqNumFlag(141) must be Y", s.Name)
	}
	if bad := s.check(m, nil); bad != nil && !s.longIDs {
		return bad
	}
	if s.logon == nil {
		return nil
	}
	return s.logon(m, v)
}

// aliases give engines, whose identifiers have 20 characters, short names for long ones.
type aliases struct {
	short map[string]event.ID
	long  map[event.ID]string
}

// of returns the engine's name of an identifier of the client.
func (a *aliases) of(text string) event.ID {
	if id, ok := a.short[text]; ok {
		return id
	}
	if a.short == nil {
		a.short, a.long = map[string]event.ID{}, map[event.ID]string{}
	}
	id, _ := event.MakeID(fmt.Sprintf("long-%d", len(a.short)+1))
	a.short[text], a.long[id] = id, text
	return id
}

// text is the inverse of of.
func (a *aliases) text(id event.ID) string {
	if text, ok := a.long[id]; ok {
		return text
	}
	return id.String()
}
