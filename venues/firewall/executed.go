package firewall

import "penstock/market"

// execute moves what a child executed to cum, if that is more.
func (f *Firewall) execute(c *child, cum market.Qty) {
	if cum <= c.cum || cum > market.MaxQty {
		return
	}
	p := &f.parents[c.parent]
	left := c.left()
	p.cum += cum - c.cum
	before := c.cum
	c.cum = cum
	p.out -= left - c.left()
	f.recount(c, p)
	if extra := cum - before - (left - c.left()); extra > 0 {
		p.beyond += extra
		p.excuses = excused
	}
}

// excused is how many orders of a parent the core may have on their way when an execution comes
// that nobody could expect: those of an epoch.
const excused = 64

// takeBack lowers what a child executed to cum: the venue takes an execution back or corrects
// it. An open child may execute as much again. What is taken back of one that is over is not
// executed, so it does not count; that nobody routes it again is the core's to see to.
func (f *Firewall) takeBack(c *child, cum market.Qty) {
	if cum >= c.cum || cum < 0 {
		return
	}
	p := &f.parents[c.parent]
	left := c.left()
	p.cum -= c.cum - cum
	c.cum = cum
	p.out += c.left() - left
	f.recount(c, p)
}

// restate lowers the quantity of an open child to what the venue says it has, not below what
// it executed. More than was sent is not adopted.
func (f *Firewall) restate(c *child, qty market.Qty) {
	if !c.open || qty <= 0 || qty >= c.qty {
		return
	}
	p := &f.parents[c.parent]
	left := c.left()
	c.qty = max(qty, c.cum)
	p.out -= left - c.left()
	f.recount(c, p)
}

// release ends a child: what it did not execute it will not.
func (f *Firewall) release(c *child) {
	if !c.open {
		return
	}
	p := &f.parents[c.parent]
	p.out -= c.left()
	p.shown -= c.displayed()
	c.open = false
	f.recount(c, p)
	f.stats.Open--
}

// Unsent says that an order which was let through never left whole: the socket broke.
func (f *Firewall) Unsent(number uint64) {
	if i := f.byChild.find(number); i >= 0 {
		f.stats.Unsent++
		f.release(&f.children[i])
	}
}

// Ended takes the word of a drop copy that a child is over. It counts when it knows of no other
// executions than the order session told: those alone move quantities.
func (f *Firewall) Ended(number uint64, cum market.Qty) {
	if i := f.byChild.find(number); i >= 0 && f.children[i].cum == cum {
		f.release(&f.children[i])
	}
}

// Resolve takes the word of persons who settled a child. ended says that it cannot execute any
// more.
func (f *Firewall) Resolve(number uint64, cum market.Qty, ended bool) {
	i := f.byChild.find(number)
	if i < 0 {
		f.stats.Orphans++
		return
	}
	f.execute(&f.children[i], cum)
	if c := &f.children[i]; ended && cum == c.cum {
		f.release(c)
	}
}
