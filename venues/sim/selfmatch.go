package sim

// selfMatch reports whether o would trade with the resting order in slot i of its own owner,
// both of which carry the same SelfMatchPreventionID(2362).
func (e *Exchange) selfMatch(o *Order, i int32) bool {
	own := e.pool.slots[i].own
	return o.SelfMatch != 0 && own != nil && own.Owner == o.Owner && own.SelfMatch == o.SelfMatch
}
