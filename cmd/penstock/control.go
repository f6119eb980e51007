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
