package firewall

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
