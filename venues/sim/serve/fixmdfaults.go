package serve

import "fmt"

// priceFault changes the FIX market data session.
func (s *Server) priceFault(change func(*fixFeed)) error {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.fix == nil {
		return fmt.Errorf("venue %s has no FIX market data session", s.cfg.Name)
	}
	change(s.fix)
	return nil
}

// LosePrices lets the next n market data messages get lost on the way: the client
// sees a gap in MsgSeqNum(34).
func (s *Server) LosePrices(n int) error {
	return s.priceFault(func(f *fixFeed) { f.lose += n })
}

// SkipRptSeq leaves a number of RptSeq(83) out before each of the next n increments.
func (s *Server) SkipRptSeq(n int) error {
	return s.priceFault(func(f *fixFeed) { f.skip += n })
}

// RepeatPrices sends the next n market data messages twice, the second time with
// PossDupFlag(43).
func (s *Server) RepeatPrices(n int) error {
	return s.priceFault(func(f *fixFeed) { f.repeat += n })
}

// RefusePrices refuses the next n MarketDataRequests(35=V).
func (s *Server) RefusePrices(n int) error {
	return s.priceFault(func(f *fixFeed) { f.refusals += n })
}
