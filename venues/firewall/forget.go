package firewall

// Rewarm reads what the next order of the session is judged by, a part in each of its cache lines,
// so that it is in the caches; turn chooses the client's order and the mould. It changes nothing.
// The sum is of no use.
func (s *Session) Rewarm(turn uint64) (sum uint64) {
	f := s.f
	sum = uint64(s.rate.times[s.rate.next]) + uint64(f.stats.Orders)
	if n := uint64(len(s.moulds.all)); n > 0 {
		m := &s.moulds.all[turn%n]
		sum += m.probe + uint64(m.end)
		for i := 0; i <= m.last; i += chunkBytes {
			sum += uint64(m.chunks[i/chunkBytes].low[0])
		}
	}
	if f.count > 0 {
		p := &f.parents[turn%uint64(f.count)]
		in := p.order.Instrument
		sum += p.number + uint64(p.order.Display) + uint64(p.out) + uint64(p.excuses) + uint64(f.byParent.find(p.number)) +
			uint64(f.accounts[p.order.Client].used) + uint64(f.cfg.Limits[in].MaxQty)
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
