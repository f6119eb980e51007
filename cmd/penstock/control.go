package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fastjson"
	"golang.org/x/sys/unix"

	"penstock/event"
	"penstock/market"
	"penstock/router"
	"penstock/router/loop"
	"penstock/venues/firewall"
)

// The control socket takes one JSON object a line and answers with one. It is how "penstock
// ctl" works, and meant for whatever else lets persons act: every act goes this way, is an
// event of the core, and is confirmed when it is durable.
const (
	controlPatience = 3 * time.Second
	controlLine     = 64 << 10
	controlConns    = 64         // at once; more are closed unheard
	blobOperator    = "operator" // journal blob: who, with all that an event has no room for
)

// actRequest is an act that a person asks for.
type actRequest struct {
	Act    string `json:"act"`
	Who    string `json:"who"`
	Reason string `json:"reason"`
	Scope  string `json:"scope,omitempty"` // firm, venue, symbol, client, strategy, policy
	ID     string `json:"id,omitempty"`    // of the scope, or the number of a parent, child or alert
	Limit  string `json:"limit,omitempty"`
	Value  string `json:"value,omitempty"`
	Until  string `json:"until,omitempty"` // RFC 3339, of a raise

	UID  uint32 `json:"uid"`  // of the peer's process, as the kernel says
	User string `json:"user"` // its name
}

// readActs change nothing: whoever reaches the socket may ask.
var readActs = []string{"status", "alerts", "metrics"}

// answer says what became of a request.
type answer struct {
	OK     bool     `json:"ok"`
	Done   bool     `json:"done"`
	Second bool     `json:"second,omitempty"` // waits for another person to say the same
	Error  string   `json:"error,omitempty"`
	Seq    uint64   `json:"seq,omitempty"` // of the event in the journal
	Killed []string `json:"killed,omitempty"`
	Venues []string `json:"venues,omitempty"`
	// Metrics is all counters, in the text format of Prometheus.
	Metrics string  `json:"metrics,omitempty"`
	Live    int     `json:"live_parents"`
	Alerts  []alert `json:"alerts,omitempty"`
}

// control is the open socket.
type control struct {
	a        *assembly
	listener *net.UnixListener
	group    sync.WaitGroup
	acting   sync.Mutex // one act at a time
}

// controlPath returns where the socket of a configuration is.
func (c *Config) controlPath() string {
	if s := c.file.Controls.Socket; s != "" {
		return c.at(s)
	}
	return filepath.Join(c.at(c.file.Router.State), "ctl.sock")
}

// openControl listens. A socket that a killed router left is replaced: the state folder is
// locked, so nobody else serves it.
func openControl(a *assembly) (*control, error) {
	path := a.cfg.controlPath()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	old := unix.Umask(0o177) // no moment in which others could connect
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c := &control{a: a, listener: l}
	c.group.Go(c.accept)
	return c, nil
}

func (c *control) close() error {
	if c == nil {
		return nil
	}
	err := c.listener.Close()
	c.group.Wait()
	return err
}

func (c *control) accept() {
	var open atomic.Int32
	for {
		conn, err := c.listener.AcceptUnix()
		if err != nil {
			return
		}
		if open.Add(1) > controlConns {
			open.Add(-1)
			conn.Close()
			continue
		}
		c.group.Go(func() {
			defer open.Add(-1)
			c.serve(conn)
		})
	}
}

// serve answers one request: persons are not in a hurry, and a connection that stays open
// would keep the router from ending.
func (c *control) serve(conn *net.UnixConn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * controlPatience))
	line, err := bufio.NewReaderSize(conn, controlLine).ReadSlice('\n')
	var out answer
	var r actRequest
	switch {
	case err == nil:
		err = r.read(line)
	case errors.Is(err, bufio.ErrBufferFull):
		err = fmt.Errorf("a request is one line of at most %d bytes", controlLine)
	default:
		err = errors.New("a request is one line: an object in JSON and a line feed, within some seconds")
	}
	if err == nil {
		err = c.identify(conn, &r)
	}
	if err == nil {
		out, err = c.obey(&r)
	}
	if err != nil {
		out.OK, out.Error = false, err.Error()
	}
	text, _ := json.Marshal(&out)
	_, _ = conn.Write(append(text, '\n'))
}

// read takes a line that is one object: a key that is not known as it is written, or comes twice,
// might be read in another way by whoever wrote it.
func (r *actRequest) read(line []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(r); err != nil {
		return plain(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one request in a line")
	}
	v, err := fastjson.ParseBytes(line)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	v.GetObject().Visit(func(key []byte, _ *fastjson.Value) {
		switch k := string(key); {
		case seen[k]:
			err = fmt.Errorf("%q comes twice", k)
		case k != strings.ToLower(k):
			err = fmt.Errorf("%q is not known: names are in lower case", k)
		default:
			seen[k] = true
		}
	})
	return err
}

// identify finds out who asks. The kernel says whose process it is. A process of somebody
// who is one of the people speaks for that person alone; one of another user that the
// socket's mode lets in, such as the router's own, names the person.
func (c *control) identify(conn *net.UnixConn, r *actRequest) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if credErr != nil {
		return credErr
	}
	r.UID, r.User = cred.Uid, strconv.Itoa(int(cred.Uid))
	if u, err := user.LookupId(r.User); err == nil {
		r.User = u.Username
	}
	people := c.a.cfg.file.Controls.People
	if r.Who == "" {
		r.Who = r.User
	}
	id, fits := event.MakeID(r.Who)
	switch {
	case !fits || !id.Valid():
		return fmt.Errorf("who = %q: a name of 1 to 20 characters of A-Z a-z 0-9 _ -", r.Who)
	case len(people) > 0 && !slices.Contains(people, r.Who) && !slices.Contains(readActs, r.Act):
		return fmt.Errorf("%s is not one of controls.people", r.Who)
	case slices.Contains(people, r.User) && r.User != r.Who:
		return fmt.Errorf("%s cannot act as %s", r.User, r.Who)
	}
	return nil
}

func (c *control) obey(r *actRequest) (answer, error) {
	switch r.Act {
	case "status", "alerts":
		return c.status(), nil
	case "metrics":
		var text strings.Builder
		err := c.a.writeMetrics(&text)
		return answer{OK: err == nil, Done: true, Metrics: text.String()}, err
	}
	if r.Reason == "" {
		return answer{}, errors.New("a reason is needed: --reason")
	}
	c.acting.Lock()
	defer c.acting.Unlock()
	if r.Act == "ack" {
		id, err := strconv.ParseUint(r.ID, 10, 64)
		if err != nil {
			return answer{}, fmt.Errorf("%q is not the number of an alert: penstock ctl alerts lists them", r.ID)
		}
		err = c.a.alarms.ack(id, r.Who)
		if err == nil {
			go c.a.journalRequest(r) // the core may stand still: what is acknowledged may be just that
		}
		return answer{OK: err == nil, Done: err == nil}, err
	}
	e, err := c.a.actOf(r)
	if err != nil {
		return answer{}, err
	}
	return c.a.act(r, &e)
}

// status says what is killed and how the venues are, without asking the core.
func (c *control) status() answer {
	out := answer{OK: true, Done: true, Alerts: c.a.alarms.all()}
	for _, s := range c.a.latch.Scopes() {
		out.Killed = append(out.Killed, c.a.scopeText(event.Scope{Kind: event.ScopeKind(s.Kind), ID: s.ID}))
	}
	if v := c.a.vitals.Load(); v != nil {
		out.Live = v.pulse.parents
		for i, text := range v.venues {
			out.Venues = append(out.Venues, c.a.cfg.Router.Venues[i].Name+": "+text)
		}
	}
	return out
}

// actOf makes the event of a request.
func (a *assembly) actOf(r *actRequest) (e event.Event, err error) {
	e = event.Event{Kind: event.Operator, Venue: market.NoVenue, Instrument: market.NoInstrument, RecvTime: clock()}
	e.ID, _ = event.MakeID(r.Who)
	e.OrigID, _ = event.MakeID(shorten(r.Reason))
	act := map[string]event.OperatorAct{"kill": event.OperatorKill, "release": event.OperatorResume,
		"pause": event.OperatorPauseParent, "resume": event.OperatorResumeParent, "force": event.OperatorForceParent,
		"enable": event.OperatorEnable, "limit": event.OperatorLimit, "resolve": event.OperatorResolve,
		"confirm-policy": event.OperatorConfirmPolicy}[r.Act]
	e.Code = uint8(act)
	switch act {
	case 0:
		return e, fmt.Errorf("act %q is not known", r.Act)
	case event.OperatorKill, event.OperatorResume:
		s, err := a.scopeOf(r.Scope, r.ID)
		e.SetScope(s)
		return e, err
	case event.OperatorEnable:
		s, err := a.scopeOf("strategy", r.ID)
		e.SetScope(s)
		return e, err
	case event.OperatorConfirmPolicy:
		s, err := a.scopeOf("policy", r.ID)
		e.SetScope(s)
		return e, err
	case event.OperatorLimit:
		return e, a.limitOf(r, &e)
	}
	if e.Ref, err = strconv.ParseUint(r.ID, 10, 64); err != nil {
		return e, fmt.Errorf("%q is not the number of an order", r.ID)
	}
	if act == event.OperatorResolve {
		return e, a.resolutionOf(r, &e)
	}
	return e, nil
}

// shorten cuts a reason to what an event holds; the whole is in the journal beside it.
func shorten(text string) string {
	return text[:min(len(text), len(event.ID{}))]
}

// scopeOf reads what a kill covers.
func (a *assembly) scopeOf(kind, id string) (event.Scope, error) {
	k, ok := event.ParseScopeKind(kind)
	if !ok && kind != "" {
		return event.Scope{}, fmt.Errorf("scope %q is not one of firm, venue, symbol, client, strategy, policy", kind)
	}
	s := event.Scope{Kind: k}
	find := func(names []string) error {
		i := slices.Index(names, id)
		s.ID = uint64(max(i, 0))
		if i < 0 {
			return fmt.Errorf("%s %q is not one of %q", k, id, names)
		}
		return nil
	}
	var err error
	switch k {
	case event.ScopeVenue:
		err = find(a.cfg.venueNames())
	case event.ScopeSymbol:
		err = find(a.cfg.symbolNames())
	case event.ScopeClient:
		var clients []string
		for i := range a.cfg.Client {
			clients = append(clients, a.cfg.Client[i].CompID)
		}
		err = find(clients)
	case event.ScopeStrategy:
		var st event.Strategy
		st, err = strategyOf(id)
		s.ID = uint64(st)
	case event.ScopePolicy:
		s.ID, err = policyID(id)
	default:
		if id != "" {
			err = fmt.Errorf("%q is named, but not what it is: a venue, symbol, client, strategy or policy", id)
		}
	}
	return s, err
}

// strategyOf reads a strategy by its name or its TargetStrategy(847).
func strategyOf(text string) (event.Strategy, error) {
	if s, ok := event.ParseStrategy(strings.ToUpper(text)); ok {
		return s, nil
	}
	if n, err := strconv.ParseUint(text, 10, 16); err == nil && event.Strategy(n).Valid() {
		return event.Strategy(n), nil
	}
	var all []string
	for s := event.StrategySweep; s.Valid(); s++ {
		all = append(all, fmt.Sprintf("%v (%d)", s, s))
	}
	return 0, fmt.Errorf("strategy %q is not one of %s", text, strings.Join(all, ", "))
}

// refusalText says why the core refused an act.
func refusalText(e *event.Event, why event.Reason) string {
	switch act := event.OperatorAct(e.Code); {
	case act == event.OperatorLimit && why == event.ReasonBadParameter:
		return "a lower limit is for good and has no --until; a higher one needs an --until that is to come"
	case act == event.OperatorLimit && why == event.ReasonMaxQty:
		return "it is above what the configuration lets nobody exceed (hard_max_qty, hard_max_notional, the client's credit)"
	case act == event.OperatorConfirmPolicy:
		return "it is not the policy that trades with caps"
	case why == event.ReasonUnknownOrder:
		return fmt.Sprintf("%d is not the number of a live order", e.Ref)
	}
	return why.String()
}

func (a *assembly) scopeText(s event.Scope) string {
	switch s.Kind {
	case event.ScopeFirm:
		return "firm"
	case event.ScopeVenue:
		return "venue " + a.cfg.venueNames()[s.ID]
	case event.ScopeSymbol:
		return "symbol " + a.cfg.symbolNames()[s.ID]
	case event.ScopeClient:
		return "client " + a.cfg.Client[s.ID].CompID
	case event.ScopePolicy:
		return "policy " + strconv.FormatUint(s.ID, 16)
	}
	return fmt.Sprint(s.Kind, " ", s.ID)
}

// limitOf reads which limit, how much and until when.
func (a *assembly) limitOf(r *actRequest, e *event.Event) error {
	kind, ok := event.ParseLimitKind(r.Limit)
	if !ok {
		return fmt.Errorf("limit %q is not known", r.Limit)
	}
	e.Ref = uint64(kind)
	decimals := uint8(market.MoneyDecimals)
	switch {
	case kind == event.LimitCredit:
		s, err := a.scopeOf("client", r.ID)
		if err != nil {
			return err
		}
		e.SetScope(s)
		e.Ref = uint64(kind)
	case kind != event.LimitFirmCredit:
		s, err := a.scopeOf("symbol", r.ID)
		if err != nil {
			return err
		}
		e.SetScope(s)
		in := &a.cfg.Router.Instruments[s.ID]
		decimals = map[event.LimitKind]uint8{event.LimitParentMaxQty: in.QtyDecimals, event.LimitChildMaxQty: in.QtyDecimals,
			event.LimitParentMaxNotional: in.PriceDecimals + in.QtyDecimals,
			event.LimitChildMaxNotional:  in.PriceDecimals + in.QtyDecimals}[kind]
	}
	v, err := market.ParseDecimal([]byte(r.Value), decimals)
	if err != nil || v <= 0 {
		return fmt.Errorf("value %q: a positive decimal with at most %d decimals is needed", r.Value, decimals)
	}
	e.Qty = market.Qty(v)
	if r.Until != "" {
		t, err := time.Parse(time.RFC3339, r.Until)
		if err != nil {
			return fmt.Errorf("until %q is not a time like 2026-11-28T16:00:00Z", r.Until)
		}
		e.Until = t.UnixNano()
	}
	return nil
}

// resolutionOf reads how much an order executed, in the decimals of its instrument.
func (a *assembly) resolutionOf(r *actRequest, e *event.Event) error {
	err := fmt.Errorf("order %d is not one of ours", e.Ref)
	if !a.loop.Inspect(func(s *loop.Sequencer) {
		ch := s.Core().Child(e.Ref)
		if ch == nil {
			return
		}
		var v int64
		v, err = market.ParseDecimal([]byte(r.Value), a.cfg.Router.Instruments[ch.Instrument].QtyDecimals)
		e.CumQty = market.Qty(v)
	}) {
		return errors.New("the router has ended")
	}
	return err
}

// act gives the core an act and waits until it is durable. A kill latches the gateways
// first and does not need the core for that; a release opens them when the core has.
func (a *assembly) act(r *actRequest, e *event.Event) (answer, error) {
	scope := e.GetScope()
	at := firewall.Scope{Kind: firewall.ScopeKind(scope.Kind), ID: scope.ID}
	kill := event.OperatorAct(e.Code) == event.OperatorKill
	if kill {
		a.latch.Kill(at)
	}
	if !a.push(e) {
		return answer{}, errors.New("the operator's queue is full: try again")
	}
	result := make(chan router.Acted, 1)
	go a.awaitAct(r, e.RecvTime, result)
	var acted router.Acted
	select {
	case acted = <-result:
	case <-time.After(controlPatience):
		if kill {
			return answer{Killed: []string{a.scopeText(scope)}}, errors.New("no new order of that scope leaves the gateways, " +
				"but the core does not answer: it cancels when it does, the watchdog without it")
		}
		return answer{}, errors.New("the core does not answer; the act is in its queue")
	}
	out := answer{OK: acted.Why == event.ReasonNone, Done: acted.Done, Second: acted.Second, Seq: acted.Seq}
	if acted.Why != event.ReasonNone {
		return out, fmt.Errorf("refused: %s", refusalText(e, acted.Why))
	}
	for deadline := time.Now().Add(controlPatience); a.journal.Durable() < acted.Seq; time.Sleep(200 * time.Microsecond) {
		if time.Now().After(deadline) {
			return out, errors.New("it is done, but not on disk: the journal lags")
		}
	}
	if !acted.Done {
		return out, nil
	}
	switch event.OperatorAct(e.Code) {
	case event.OperatorResume:
		a.latch.Release(at)
	case event.OperatorResolve:
		if !a.io.Seize(controlPatience, func(func() bool) { a.wall.Resolve(e.Ref, e.CumQty, true) }) {
			return out, errors.New("it is done, but the firewall could not be told: its quantity stays counted there")
		}
	}
	return out, nil
}

// journalRequest writes who asked for what, and why, to the journal.
func (a *assembly) journalRequest(r *actRequest) {
	text, err := json.Marshal(r)
	if err == nil {
		a.loop.Inspect(func(s *loop.Sequencer) { err = a.journal.AppendBlob(s.Now(), blobOperator, text) })
	}
	if err != nil {
		a.alarm(alert{Severity: warning, Kind: "journal", Text: "an acknowledgement could not be written: " + err.Error()})
	}
}

// awaitAct asks the core until it has taken the act that came at a time, and writes who did
// it, with the whole reason, to the journal beside it.
func (a *assembly) awaitAct(r *actRequest, at int64, result chan<- router.Acted) {
	for deadline := time.Now().Add(10 * controlPatience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var acted router.Acted
		if !a.loop.Inspect(func(s *loop.Sequencer) {
			if acted = s.Core().Acted(); acted.At == at {
				if text, err := json.Marshal(r); err == nil {
					_ = a.journal.AppendBlob(s.Now(), blobOperator, text) // the event itself is there
				}
			}
		}) {
			return
		}
		if acted.At == at {
			result <- acted
			return
		}
	}
}
