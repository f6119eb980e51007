package firewall

// Rewarm reads what the next order of the session is judged by, a part in each of its cache lines,
// so that it is in the caches; turn chooses the client's order and, beside those that fitted
// last, the mould. It changes nothing. The sum is of no use.
func (s *Session) Rewarm(turn uint64) (sum uint64) {
	f := s.f
	sum = uint64(s.rate.times[s.rate.next]) + uint64(f.stats.Orders) + uint64(f.stats.Open) + uint64(f.sent) +
		uint64(s.cfg.Venue) + uint64(len(s.head)) + uint64(len(s.cfg.Symbols)) + uint64(len(f.cfg.Credit))
	sum += uint64(s.recent[(s.moulds.read.seq+1)%recentOrders].at)
	if n := uint64(len(s.moulds.all)); n > 0 {
		sum += s.moulds.all[turn%n].read()
		for _, m := range s.moulds.latest {
			if m != nil {
				sum += m.read()
			}
		}
	}
	if f.count > 0 {
		p := &f.parents[turn%uint64(f.count)]
		in := p.order.Instrument
		sum += p.number + uint64(p.order.Display) + uint64(p.out) + uint64(p.excuses) + uint64(f.byParent.find(p.number)) +
			uint64(f.accounts[p.order.Client].used) + uint64(f.cfg.Limits[in].MaxQty) + uint64(f.cfg.Limits[in].Decimals)
		if s.parent != nil {
			sum += s.parent.number + uint64(s.parent.out)
		}
		if int(in) < len(s.symbols) {
			sum += uint64(s.symbols[in].PriceDecimals)
		}
	}
	if 0 < f.sent && f.sent < len(f.children) {
		next := &f.children[f.sent]
		sum += next.number + uint64(next.shows) + uint64(f.byChild.find(f.children[f.sent-1].number+1))
	}
	return sum
}

// read reads all that fits uses.
func (m *mould) read() (sum uint64) {
	sum = m.probe + uint64(m.end) + uint64(m.said.tif)
	for i := 0; i <= m.last; i += chunkBytes {
		c := &m.chunks[i/chunkBytes]
		sum += uint64(c.low[0]) + uint64(c.pad[0]) + uint64(c.pad[chunkBytes-1])
	}
	return sum
}

// Forget drops the children of a firewall whose orders have all ended, so that one which only
// rehearses does not use up its room. It reports whether it could. Their numbers come again.
func (f *Firewall) Forget() bool {
	if f.stats.Open != 0 {
		return false
	}
	for i := range f.byChild.slots {
		f.byChild.slots[i] = slot{at: -1}
	}
	f.sent = 0
	return true
}
