package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"penstock/console"
	"penstock/event"
	"penstock/fix/ems/guard"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/firewall"
	"penstock/venues/fixgw"
	"penstock/venues/fixmd"
	"penstock/venues/itch"
	"penstock/venues/jsonws"
	"penstock/venues/ouch"
)

// metricsSection says where counters can be read over HTTP, in the text format of Prometheus.
type metricsSection struct {
	Listen string `toml:"listen"` // host:port; GET /metrics
}

// metricsPatience is how long the core and who works feeds and gateways may take to tell their counters.
const metricsPatience = 2 * time.Second

// helpLines are the comments at the counters' fields, by name. A test keeps them so.
//
//go:embed metricshelp.txt
var helpLines string

var metricsHelp = sync.OnceValue(func() map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(helpLines) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all[name] = text
	}
	return all
})

func helpOf(name string) string { return metricsHelp()[name] }

// orderTimes are the times of orders by their cause, from the bytes that caused them to the socket. They are counted by who
// works the gateways, in buckets, so that they can be copied between two of its turns.
type orderTimes [len(causeNames)]struct {
	buckets [loop.Buckets]uint64
	nanos   uint64
}

func (t *orderTimes) record(cause int, nanos int64) {
	n := uint64(max(nanos, 0))
	t[cause].buckets[loop.BucketOf(n)]++
	t[cause].nanos += n
}

// coreReading is what is read of the core at once, on its goroutine: so it is copied and not made.
type coreReading struct {
	pulse    pulse
	counters router.Counters
	refused  [event.ReasonCount]uint64
	firm     market.Money
	clients  [maxQuickfixSessions]market.Money
}

func (r *coreReading) take(c *router.Core, venues, clients int) {
	r.pulse.take(c, venues)
	r.counters, r.refused, r.firm = c.Counters, c.Gate().Refused, c.Gate().UsedByFirm()
	for i := range r.clients[:min(clients, len(r.clients))] {
		r.clients[i] = c.Gate().Used(uint16(i))
	}
}

// reading is what is copied of one feed or gateway, on the goroutine that works it.
type reading struct {
	prefix string
	venue  market.VenueID
	copy   func()
	stats  func() any
}

// readingOf returns a reading of x.
func readingOf[S any](prefix string, venue market.VenueID, x interface{ Stats() S }) reading {
	s := new(S)
	return reading{prefix, venue, func() { *s = x.Stats() }, func() any { return *s }}
}

func feedReading(f *feed) reading {
	switch x := f.feedWorker.(type) {
	case *itch.Feed:
		return readingOf("feed", f.venue, x)
	case *jsonws.Feed:
		return readingOf("feed", f.venue, x)
	case *fixmd.Feed:
		return readingOf("feed", f.venue, x)
	}
	panic(fmt.Sprintf("a feed of type %T has no counters", f.feedWorker))
}

func gatewayReading(venue market.VenueID, g orderGateway) reading {
	switch x := g.(type) {
	case *fixgw.Gateway:
		return readingOf("orders", venue, x)
	case *ouch.Gateway:
		return readingOf("orders", venue, x)
	}
	panic(fmt.Sprintf("a gateway of type %T has no counters", g))
}

// readings are those of all feeds and sessions.
func (a *assembly) readings() (all []reading) {
	for i := range a.feeds {
		all = append(all, feedReading(&a.feeds[i]))
	}
	for v, g := range a.gateways {
		all = append(all, gatewayReading(market.VenueID(v), g))
	}
	for _, g := range a.dropCopies {
		all = append(all, readingOf("drop_copy", g.Venue(), g))
	}
	return all
}

// atWorkers runs look on the goroutine that works feeds and gateways.
func (a *assembly) atWorkers(look func()) bool {
	if a.cfg.inline() {
		return a.loop.Inspect(func(*loop.Sequencer) { look() })
	}
	return a.io.InspectWorkers(look)
}

var errCoreSilent = fmt.Errorf("the core does not answer within %v: its counters and those of feeds and sessions are not here", metricsPatience)

// writeMetrics writes all counters. One after the other each owner copies its own between two of its turns: none is kept
// for longer than a copy takes.
func (a *assembly) writeMetrics(w io.Writer) error {
	m := &console.Metrics{Help: helpOf}
	m.Gauge("build_info", 1, console.Label{Name: "version", Value: version})
	a.loopMetrics(m)
	a.clientMetrics(m)
	told := make(chan func(*console.Metrics), 1)
	if a.reading.CompareAndSwap(false, true) {
		go func() { // may wait for a core that stands still
			defer a.reading.Store(false)
			told <- a.readOwners()
		}()
	}
	answers := false
	select {
	case add := <-told:
		answers = true
		add(m)
	case <-time.After(metricsPatience):
	}
	m.Gauge("core_answers", oneIf(answers))
	_, err := m.WriteTo(w)
	if err == nil && !answers {
		err = errCoreSilent
	}
	return err
}

// readOwners lets core, feeds and sessions copy what they count, and returns what adds it to others.
func (a *assembly) readOwners() (add func(*console.Metrics)) {
	core, times := new(coreReading), new(orderTimes)
	var wall firewall.Stats
	bounces := uint64(0)
	a.loop.Inspect(func(s *loop.Sequencer) { core.take(s.Core(), len(a.cfg.Router.Venues), len(a.cfg.Client)) })
	a.atWorkers(func() { *times, wall, bounces = a.times, a.wall.Stats(), a.io.Bounces })
	all := a.readings()
	for i := range all {
		a.atWorkers(all[i].copy)
	}
	return func(m *console.Metrics) {
		a.coreMetrics(m, core)
		m.Counter("gateway_bounces", bounces)
		for cause := range times {
			m.Durations("order_latency", times[cause].buckets[:], times[cause].nanos, console.Label{Name: "cause", Value: causeNames[cause]})
		}
		m.Stats("firewall", wall, map[string]console.Index{"Refused": {Label: "reason", Value: func(i int) string { return firewall.Reason(i).String() }}})
		for i := range all {
			m.Stats(all[i].prefix, all[i].stats(), feedIndex, console.Label{Name: "venue", Value: a.cfg.Router.Venues[all[i].venue].Name})
		}
	}
}

func oneIf(x bool) float64 {
	if x {
		return 1
	}
	return 0
}

// feedIndex names the places of arrays among feeds' counters.
var feedIndex = map[string]console.Index{
	"Lines": {Label: "line", Value: func(i int) string { return string(rune('A' + i)) }},
	"Types": {Label: "type", Value: func(i int) string { return string(rune(i)) }},
}

func (a *assembly) coreMetrics(m *console.Metrics, r *coreReading) {
	p := &r.pulse
	m.Gauge("parents_live", float64(p.parents))
	for v := range a.cfg.Router.Venues {
		venue := console.Label{Name: "venue", Value: a.cfg.Router.Venues[v].Name}
		m.Gauge("session_up", oneIf(p.venues[v].orders), venue, console.Label{Name: "session", Value: "orders"})
		if a.cfg.Venue[v].DropCopy != nil {
			m.Gauge("session_up", oneIf(p.venues[v].dropCopy), venue, console.Label{Name: "session", Value: "drop_copy"})
		}
	}
	for v := range a.cfg.Router.Venues {
		for state, n := range p.venues[v].books {
			m.Gauge("books", float64(n), console.Label{Name: "venue", Value: a.cfg.Router.Venues[v].Name},
				console.Label{Name: "state", Value: event.BookState(state).String()})
		}
	}
	money := func(x market.Money) float64 { return float64(x) / float64(market.Pow10(market.MoneyDecimals)) }
	m.Gauge("firm_credit_used", money(r.firm))
	m.Gauge("firm_credit", money(a.cfg.Router.Controls.FirmCredit))
	for i := range a.cfg.Client {
		client := console.Label{Name: "client", Value: a.cfg.Client[i].CompID}
		m.Gauge("client_credit_used", money(r.clients[i]), client)
	}
	m.Stats("core", r.counters, nil)
	for why, n := range r.refused {
		if n > 0 {
			m.Counter("core_refused_by_reason", n, console.Label{Name: "reason", Value: event.Reason(why).String()})
		}
	}
}

// loopMetrics are of the loop, the rings and the journal, whose counters anybody may read.
func (a *assembly) loopMetrics(m *console.Metrics) {
	s := a.loop.Stats()
	kind := func(text string) console.Label { return console.Label{Name: "turns", Value: text} }
	m.Durations("loop_turn", s.Busy[:], s.BusyNanos, kind("busy"))
	m.Durations("loop_turn", s.Idle[:], s.IdleNanos, kind("idle"))
	for i, limit := range loop.Thresholds {
		over := console.Label{Name: "over", Value: time.Duration(limit).String()}
		m.Counter("loop_slow_turns", s.SlowBusy[i], over, kind("busy"))
		m.Counter("loop_slow_turns", s.Stalls[i], over, kind("idle"))
	}
	m.Gauge("loop_longest_turn_seconds", float64(s.BusyMax)/1e9, kind("busy"))
	m.Gauge("loop_longest_turn_seconds", float64(s.IdleMax)/1e9, kind("idle"))
	m.Gauge("loop_seconds_since_told", time.Since(time.Unix(0, s.At)).Seconds())
	m.Counter("loop_events", s.Events)
	m.Counter("loop_commands", s.Commands)
	m.Counter("loop_parks", s.Parks)
	m.Counter("journal_withheld", s.Withheld)
	m.Counter("journal_overruns", s.Overruns)
	for i, mark := range a.loop.RingMarks() {
		a.ringMetrics(m, ringNames[i], mark)
	}
	marks := a.io.CommandMarks()
	for v, worker := range a.workers {
		a.ringMetrics(m, "orders "+a.cfg.Router.Venues[v].Name, marks[worker])
	}
	used, size := a.journal.HighWater()
	a.ringMetrics(m, "journal", loop.RingMark{HighWater: used, Cap: size})
	m.Gauge("journal_durable_event", float64(a.journal.Durable()))
	m.Counter("full_ring_orders_rejected", a.full.orders.Load())
	m.Counter("full_ring_cancels_late", a.full.late.Load())
	m.Counter("full_ring_reports_late", a.full.reports.Load())
	if c := a.quiet.collector; c != nil {
		g := c.Stats()
		m.Counter("garbage_bytes", g.Made)
		m.Counter("collections", g.AtQuiet, console.Label{Name: "when", Value: "quiet"})
		m.Counter("collections", g.Forced, console.Label{Name: "when", Value: "forced"})
		m.Gauge("longest_collection_seconds", g.Longest.Seconds())
	}
}

func (a *assembly) ringMetrics(m *console.Metrics, name string, mark loop.RingMark) {
	m.Gauge("ring_high_water", float64(mark.HighWater), console.Label{Name: "ring", Value: name})
	m.Gauge("ring_capacity", float64(mark.Cap), console.Label{Name: "ring", Value: name})
}

// clientMetrics are of the sessions with clients.
func (a *assembly) clientMetrics(m *console.Metrics) {
	m.Stats("clients", a.ems.Stats(), nil)
	g := a.ems.Guard()
	m.Counter("guard_accepted", g.Accepted())
	m.Counter("guard_frames", g.Frames())
	m.Gauge("guard_connections", float64(g.Open()))
	for _, why := range guard.Reasons() {
		m.Counter("guard_refused", g.Count(why), console.Label{Name: "reason", Value: why.String()})
	}
	open := map[string]float64{}
	for _, al := range a.alarms.all() {
		if al.AckBy == "" {
			open[string(al.Severity)]++
		}
	}
	for _, severity := range []severity{critical, warning} {
		m.Gauge("alerts_open", open[string(severity)], console.Label{Name: "severity", Value: string(severity)})
	}
}

// metricsServer serves GET /metrics. nil: it is not configured.
type metricsServer struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{} // nil: it does not serve
}

// bindMetrics takes the address, before anything trades.
func bindMetrics(address string) (*metricsServer, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w: stop who has it, or name another", err)
	}
	return &metricsServer{listener: l, server: &http.Server{ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 13}}, nil
}

// serve begins to answer from what write writes.
func (s *metricsServer) serve(write func(io.Writer) error) {
	if s == nil {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		if err := write(&b); err != nil && !errors.Is(err, errCoreSilent) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", console.ContentType)
		_, _ = b.WriteTo(w)
	})
	s.server.Handler, s.done = mux, make(chan struct{})
	go func() {
		defer close(s.done)
		_ = s.server.Serve(s.listener) // until close
	}()
}

func (s *metricsServer) close() error {
	if s == nil {
		return nil
	}
	if s.done == nil {
		return s.listener.Close()
	}
	err := s.server.Close()
	<-s.done
	return err
}
