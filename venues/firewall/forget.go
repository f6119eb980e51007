package firewall

import "penstock/internal/warm"

// Rewarm reads what the next order of the session is judged by, so that it is in the caches; turn
// chooses the client's order. It changes nothing. The sum is of no use.
func (s *Session) Rewarm(turn uint64) (sum uint64) {
	f := s.f
	sum = warm.Slice(s.symbols) + warm.Slice(s.moulds.all) + warm.Slice(f.cfg.Limits) + warm.Of(&s.rate.times[s.rate.next]) +
		warm.Of(&f.stats)
	if f.count > 0 {
		p := &f.parents[turn%uint64(f.count)]
		sum += warm.Of(p) + warm.Of(f.byParent.slot(p.number)) + warm.Of(&f.used[p.order.Client])
	}
	if 0 < f.sent && f.sent < len(f.children) {
		sum += warm.Of(&f.children[f.sent]) + warm.Of(f.byChild.slot(f.children[f.sent-1].number+1))
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
