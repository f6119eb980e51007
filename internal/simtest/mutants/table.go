package main

// mutant is one planted bug: small changes of text, each of which applies exactly once.
type mutant struct {
	name  string
	edits []edit
}

type edit struct{ file, old, new string }

const (
	execFile     = "router/exec.go"
	requestFile  = "router/request.go"
	ledgerFile   = "router/ledger.go"
	workFile     = "router/work.go"
	clientFile   = "router/client.go"
	scheduleFile = "router/schedule.go"
	gateFile     = "router/risk/gate.go"
	permitFile   = "router/risk/permit.go"
	windowFile   = "router/risk/window.go"
	restartFile  = "router/restart.go"
	operatorFile = "router/operator.go"
	scopeFile    = "router/risk/scope.go"
	dayFile      = "router/day.go"
	equaliseFile = "router/equalise.go"
	quotesFile   = "router/rfq.go"
	ouchReports  = "venues/ouch/report.go"
	ouchSync     = "venues/ouch/sync.go"
	resumeFile   = "venues/fixgw/resume.go"
)

func one(name, file, before, after string) mutant {
	return mutant{name, []edit{{file, before, after}}}
}

var mutants = []mutant{
	one("a night stops nothing", workFile, "!p.paused && !c.day.shut && ", "!p.paused && "),
	one("a day order goes on the next day", dayFile, "		case !p.TIF.GoodTill(), p.terms", "		case p.terms"),
	one("good-till orders stay at venues overnight", dayFile, "			p.overnight = true\n			c.cancelAll(p)\n", "			p.overnight = true\n"),
	one("what was executed yesterday counts for today", dayFile, "		p.before, p.beforeWorth = p.Cum, p.Notional\n", ""),
	one("a timeout releases a reservation", scheduleFile,
		"				c.lose(ch)\n				c.askStatus(ch)", "				c.end(p, ch)\n				break"),
	one("a disconnect releases a reservation", execFile,
		"				c.lose(ch)\n				ch.canceling = false\n				continue", "				c.end(p, ch)\n				break"),
	one("fills are applied by LastQty", execFile,
		"	told := c.book(p, ch, e)", "	e.CumQty = ch.Cum + e.LastQty\n	told := c.book(p, ch, e)"),
	one("what a probe in the dark took is not counted", workFile,
		"	free -= c.goDark(", "	c.goDark("),
	one("a kill of one venue is not looked at", gateFile,
		"	return g.venues | g.barred\n", "	return g.barred\n"),
	one("a stance outlives a timer", "router/router.go",
		"		c.facts++ // what was made of a parent amid the event may not be what came of it\n", ""),
	mutant{"a permit is given, and used, under a kill of a client", []edit{
		{permitFile, " && len(g.scopes) == 0 {", " {"}, {permitFile, " || len(g.scopes) > 0 ||", " ||"},
	}},
	one("a permit leaves the clients' credit alone", permitFile,
		"cost = market.Notional(int64(price) * int64(qty)).Money(p.decimals)", "cost = 0"),
	one("a kill of the firm is not looked at", gateFile,
		"{ return g.killed || g.stopped }", "{ return g.stopped }"),
	one("a kill blocks and does not cancel", operatorFile,
		"		c.gate.KillScope(scope)\n		c.cancelScope(scope)", "		c.gate.KillScope(scope)"),
	one("a kill of a client is not looked at", scopeFile,
		"		if s.Covers(v, in, client, st, policy) {", "		if s.Kind != event.ScopeClient && s.Covers(v, in, client, st, policy) {"),
	one("a kill of a strategy cancels nothing", operatorFile,
		"ch := &c.children[k]; c.covered(s, ch) {", "ch := &c.children[k]; s.Kind != event.ScopeStrategy && c.covered(s, ch) {"),
	one("a bust is routed again", ledgerFile,
		"	c.held += qty - again - cured\n	p.Held += qty - again - cured\n", ""),
	one("a bust takes volume from the tape", "router/participation.go",
		"	t.own += max(delta, 0)\n", "	t.own += delta\n"),
	one("a paused parent trades on", workFile,
		"!p.Frozen && !p.paused && ", "!p.Frozen && "),
	one("a snapshot leaves out who is away", "router/state.go",
		"	state.Slice(s, c.awayUntil)\n", ""),
	one("a hold is not looked at", gateFile,
		"	g.held = on\n", "	g.held = on && g.stopped\n"),
	one("a refused cancel is taken for an end", execFile,
		"		c.lose(ch) // what ended it is due", "		c.end(&c.parents[ch.Parent], ch) // what ended it is due"),
	one("a refusal is answered by sending again", execFile,
		"		p.avoid |= 1 << ch.Venue\n", ""),
	one("a restart forgets the children before it", restartFile,
		"		next = c.starts[i].children\n", "		next = c.starts[i].children\n		break\n"),
	one("a restart trades before the venues have answered", restartFile,
		"		p.settling = p.Reserved > 0 || p.offers > 0\n", "		p.settling = false\n"),
	one("a restart goes on with the old order numbers", restartFile,
		"	c.epoch = e.Ref\n	c.starts = append(c.starts, start{e.Ref, c.childCount})\n	if !again {\n		return\n",
		"	if !again {\n		c.epoch = e.Ref\n		c.starts = append(c.starts, start{e.Ref, c.childCount})\n		return\n"),
	one("an ExecID with other content is booked", execFile,
		"	if !c.remember(ch, e) {\n		return\n	}\n", "	c.remember(ch, e)\n"),
	one("a quarantined venue gets orders", gateFile,
		"	g.barred |= 1 << venue\n", "	g.barred &^= 1 << venue\n"),
	one("a replace releases before the venue confirms", clientFile,
		"	if p.Cum+p.Reserved+held > qty && p.Reserved > 0 {", "	if p.Cum+held > qty && p.Reserved > 0 {"),
	one("the answer to a status request is ignored", execFile,
		"	case market.ExecOrderStatus:\n		c.onStatus(p, ch, e)", "	case market.ExecOrderStatus:\n		ch.askTime = 0"),
	one("an end with other CumQty releases", execFile,
		"	ch.acked = true\n	if e.CumQty != ch.Cum || e.CumQty < ch.most {", "	ch.acked = true\n	if e.CumQty > ch.Qty {"),
	one("a fill after the end is not booked", execFile,
		"	delta := e.CumQty - ch.Cum\n	if !c.plausible(", "	delta := e.CumQty - ch.Cum\n	if ch.Released || !c.plausible("),
	one("a late fill leaves the siblings alone", execFile,
		"	if p.Frozen || p.Over() {\n		c.cancelAll(p)", "	if p.Frozen {\n		c.cancelAll(p)"),
	one("a frozen parent trades on", workFile,
		"phaseFinishing && !p.Frozen && ", "phaseFinishing && "),
	one("a drop copy ends an order whose executions are missing", "router/dropcopy.go",
		"ch.Released || ch.Cum != ch.dropCum {", "ch.Released {"),
	one("a venue that owes executions gets orders", "router/hindrance.go",
		"		{p.gaps, event.WhyGap},\n", "		{p.gaps & p.avoid, event.WhyGap},\n"),
	one("an overtaken fill keeps the price of the other", execFile,
		"	if price != assumed {", "	if price != assumed && p.Frozen {"),
	mutant{"the limit is looked at nowhere", []edit{
		{gateFile, "	case o.Limit != 0 && side.Better(o.Limit, o.Price):", "	case o.Limit != 0 && o.Qty < 0:"},
		{workFile, "	if p.Limit != 0 && p.Side.Better(p.Limit, bound) {", "	if p.Limit != 0 && p.Frozen {"},
	}},
	one("the rate of messages is not bounded", windowFile,
		"{ return now >= w.free }", "{ return true }"),
	one("a ClOrdID is taken twice", clientFile,
		"	if entry.used {\n		if e.Flags", "	if entry.used && e.Qty == 0 {\n		if e.Flags"),
	one("a parent ends while its orders are out", clientFile,
		"	case closed && p.phase == phaseCanceling:", "	case p.phase == phaseCanceling:"),
	one("an order without answer is never asked for", requestFile,
		"	ch.askTime = c.now\n	cmd := c.command(event.SendStatus)\n	c.address(cmd, ch)\n", "	ch.askTime = c.now\n"),
	one("a venue's denial is believed", execFile,
		"	case unknownOrder && (ch.acked || ch.Cum > 0):", "	case unknownOrder && ch.Cum > 0:"),
	one("a cancel overtakes the answer", requestFile,
		"	if !ch.acked && c.venues[ch.Venue].CancelAfterAck {", "	if !ch.acked && ch.Released {"),
	mutant{"a counter outlives the process", []edit{
		{requestFile, "	c.cancels++\n", "	outlived++\n	c.cancels = outlived\n"},
		{requestFile, "// address fills in", "var outlived uint64\n\n// address fills in"},
	}},
	one("the list of children breaks in its middle", execFile,
		"		c.children[ch.next].prev = ch.prev\n", "		c.children[ch.next].prev = none\n"),
	one("a status tells of fills and is only half believed", execFile,
		"		ch.missedAs = c.bookAt(p, ch, e, price)", "		e.CumQty--\n		ch.missedAs = c.bookAt(p, ch, e, price)"),
	one("a halt of the whole market is one of its venue", "router/trading.go",
		"t.market != 0 || t.sip {", "t.sip {"),
	one("a price band is looked at only where levels are taken", "router/trading.go",
		"	case c.inBand(p.Instrument, pl.venue, pl.price):\n", "	case pl.price > 0:\n"),
	one("a new policy gets one order more than its cap", "router/risk/canary.go",
		"k.canary.orders+before.orders < c.Orders", "k.canary.orders+before.orders <= c.Orders"),
	one("a dealer is asked again without a pause", quotesFile,
		"	c.requests.asked[v] = c.now\n", ""),
	one("a restart forgets which dealers were asked", restartFile,
		"asked: c.requests.asked}", "}"),
	one("a quote that was asked for is hit twice", quotesFile,
		"	c.endRound(slot, best.number)\n",
		"	c.endRound(slot, best.number)\n	if best.number != 0 {\n		best.until = c.now + 20e6\n		c.requests.list[c.requests.count] = best\n"+
			"		c.requests.count++\n		c.requests.wait()\n	}\n"),
	mutant{"an expired quote is hit", []edit{
		{quotesFile, "		case r.valid <= c.now: // the clock, or the process, was late\n", "		case r.valid < 0:\n"},
		{quotesFile, "			r.until = min(r.until, r.valid-1)\n", ""},
	}},
	one("a quote that is hit is turned down as well", quotesFile,
		"r.state != requestQuoted || r.number == dealt || ", "r.state != requestQuoted || "),
	one("what waits to arrive with others leaves unasked", equaliseFile,
		"ch.wantCancel || !c.wanted(ch):", "ch.wantCancel:"),
	one("an order that is dropped leaves all the same", equaliseFile,
		"			c.drop(ch)\n", "			c.drop(ch)\n			c.depart(ch)\n"),
	one("a restart drops what waits", equaliseFile,
		"		ch.waits, ch.wantCancel = false, false\n	}\n	c.waiting = waiting{next: math.MaxInt64}\n", "		c.unwant(ch)\n	}\n"),
	one("a trade of OUCH told twice counts twice", "venues/ouch/orders.go",
		"		return false, true\n", "		o.cum += int64(qty)\n		return false, true\n"),
	one("a corrected trade of OUCH keeps its first name", ouchReports,
		"	if t != nil && t.corrected != 0 {", "	if t != nil && t.corrected != 0 && t.broken {"),
	one("an order that no OUCH venue got stays pending", ouchSync,
		"		if o == nil || o.unsent || o.status == market.StatusPendingNew {", "		if o == nil || o.unsent {"),
	one("OUCH orders are asked for before the history is read", ouchSync,
		"		if !beaten && now-s.since < catchUpNanos {", "		if !beaten && now < s.since {"),
	one("a dead host's numbers come again", resumeFile,
		"		out = max(out, g.cfg.Sent+1) + g.cfg.Since + fix.HostAhead\n", "		out += min(g.cfg.Since, 0)\n"),
	one("what is recorded is asked for again", resumeFile,
		"next = max(g.cfg.Heard+1, in-min(in-1, maxRewind))", "next = max(1, in-min(in-1, 64))"),
	one("a refresh shows more than the client allows", "router/display.go",
		"	return max(p.terms.Display-p.shown(c.children), 0)", "	return max(p.terms.Display, 0)"),
	one("a replace shows less while more is still out", clientFile,
		"	if r.display != 0 && p.shown(children) > r.display {", "	if r.display != 0 && p.Frozen {"),
	one("the short mark is lost on its way to a venue", requestFile,
		"ch.TIF, c.parents[ch.Parent].Mark", "ch.TIF, 0"),
	one("who located the stock is lost on its way to a venue", "router/place.go",
		"	cmd.OrigID = p.locate\n", ""),
	one("who located the stock is lost where an order waits", equaliseFile,
		"cmd.OrigID, cmd.OrdType = ch.Policy, ch.QuoteID, c.parents[ch.Parent].locate, market", "cmd.OrdType = ch.Policy, ch.QuoteID, market"),
	one("an invitation that comes again is taken for another order", "router/conditional.go",
		"	if c.invitations.again(e) {\n", "	if c.invitations.again(e) && e.Ref != 0 {\n"),
	one("a sweep goes beyond the touch though not all of it leaves", "router/take.go",
		"	if iso && !c.leaveTogether(p, &c.walk) {", "	if iso && p.Frozen {"),
	one("a sweep that leaves at once counts for no client", "router/risk/batch.go",
		"	g.Expose(p.order.Client, o.cost)\n", ""),
	one("a sweep that leaves at once does not look at the bands", "router/sweep.go",
		"if s.trading.banded&bit != 0 && !c.inBand", "if false && !c.inBand"),
	one("better quotes are protected nowhere", "router/protect.go",
		"		on = p.On\n", "		on = p.On && p.From < 0\n"),
	one("short sales need no permission", "router/risk/controls.go",
		"m == market.Long || m == market.Short && c.Short ||", "m == market.Long || m == market.Short ||"),
	mutant{"the price test for short sales is looked at nowhere", []edit{
		{gateFile, "	case o.ShortBid != 0 && o.Price <= o.ShortBid:", "	case o.ShortBid != 0 && o.Qty < 0:"},
		{workFile, "	if bid := c.shortBid(p); bid != 0 && bound <= bid {", "	if bid := c.shortBid(p); bid != 0 && p.Frozen {"},
	}},
}
