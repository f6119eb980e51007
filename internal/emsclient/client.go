package emsclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"
	"github.com/quickfixgo/quickfix/store/file"

	"penstock/market"
)

// Config of a Client.
type Config struct {
	Addr               string // host:port of the router
	SenderCompID       string // ours
	TargetCompID       string // the router's
	BeginString        string // empty means FIX.4.4; FIX.4.2 is spoken too
	Username, Password string // sent in the Logon when set
	HeartBtInt         int    // seconds, 0 means 30
	Instruments        []market.Instrument
	// StoreDir keeps sequence numbers and messages sent from one Client to the
	// next; empty means in memory.
	StoreDir string
	// Open are orders that an earlier Client sent and whose reports this one may
	// receive.
	Open     []Order
	Settings map[string]string // further QuickFIX settings
}

// Client is one FIX session with the router and its Ledger. Its methods are safe
// for concurrent use.
type Client struct {
	cfg       Config
	id        quickfix.SessionID
	initiator *quickfix.Initiator
	once      sync.Once

	mu        sync.Mutex
	ledger    *Ledger
	rejects   []Reject
	sent      map[int]string // ClOrdID by MsgSeqNum
	up        bool
	lastEvent string
	changed   chan struct{} // closed and replaced at every change
}

// Reject is an answer that is not an ExecutionReport(8).
type Reject struct {
	MsgType     string // 3, j or 9
	ClOrdID     string // of the message refused, if it can be told
	OrigClOrdID string // of an OrderCancelReject(9)
	OrderID     string
	OrdStatus   market.OrdStatus
	RefTagID    int // 371
	Reason      int // 373, 380 or 102
	ResponseTo  int // 434
	Text        string
}

// Connect logs on. When ctx ends first, the error says what happened last.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("EMS client: %w", err)
	}
	if cfg.BeginString == "" {
		cfg.BeginString = quickfix.BeginStringFIX44
	}
	if cfg.HeartBtInt == 0 {
		cfg.HeartBtInt = 30
	}
	settings := quickfix.NewSettings()
	one := quickfix.NewSessionSettings()
	for key, value := range map[string]string{
		config.BeginString: cfg.BeginString, config.SenderCompID: cfg.SenderCompID,
		config.TargetCompID: cfg.TargetCompID, config.SocketConnectHost: host,
		config.SocketConnectPort: port, config.HeartBtInt: strconv.Itoa(cfg.HeartBtInt),
		config.ReconnectInterval: "200ms",
	} {
		one.Set(key, value)
	}
	for key, value := range cfg.Settings {
		one.Set(key, value)
	}
	store := quickfix.NewMemoryStoreFactory()
	if cfg.StoreDir != "" {
		one.Set(config.FileStorePath, cfg.StoreDir)
		store = file.NewStoreFactory(settings)
	}
	c := &Client{cfg: cfg, ledger: NewLedger(cfg.Instruments), sent: make(map[int]string),
		changed: make(chan struct{})}
	for _, o := range cfg.Open {
		c.ledger.Sent(o)
	}
	if c.id, err = settings.AddSession(one); err != nil {
		return nil, fmt.Errorf("EMS client: %w", err)
	}
	c.initiator, err = quickfix.NewInitiator(application{c}, store, settings, logFactory{c})
	if err != nil {
		return nil, fmt.Errorf("EMS client: %w", err)
	}
	if err := c.initiator.Start(); err != nil {
		return nil, fmt.Errorf("EMS client: %w", err)
	}
	if err := c.await(ctx, func() bool { return c.up }); err != nil {
		c.Close()
		return nil, fmt.Errorf("EMS client: no logon at %s: %w; last: %s", cfg.Addr, err, c.last())
	}
	return c, nil
}

// Close logs out.
func (c *Client) Close() {
	c.once.Do(func() {
		store, err := quickfix.GetMessageStore(c.id)
		c.initiator.Stop()
		if err == nil {
			store.Close() // quickfix leaves it open
		}
	})
}

// errUnknown is returned for an instrument or order that the client does not know.
var errUnknown = errors.New("EMS client: unknown")

// Instrument returns the instrument with the symbol.
func (c *Client) Instrument(symbol string) (*market.Instrument, error) {
	i := slices.IndexFunc(c.cfg.Instruments,
		func(in market.Instrument) bool { return in.Symbol == symbol })
	if i < 0 {
		return nil, fmt.Errorf("%w symbol %s", errUnknown, symbol)
	}
	return &c.cfg.Instruments[i], nil
}

// Order returns a copy of what is known of an order; ok is false for a ClOrdID
// that was never sent.
func (c *Client) Order(clOrdID string) (o Order, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.copyOf(clOrdID)
}

func (c *Client) copyOf(clOrdID string) (o Order, ok bool) {
	p := c.ledger.Order(clOrdID)
	if p == nil {
		return Order{}, false
	}
	o = *p
	o.Fills, o.States = slices.Clone(p.Fills), slices.Clone(p.States)
	return o, true
}

// Violations returns every report that did not fit the ones before it.
func (c *Client) Violations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ledger.Violations())
}

// Rejects returns the rejects received: 35=3, 35=j and 35=9.
func (c *Client) Rejects() []Reject {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.rejects)
}

// Wait waits until the order is done.
func (c *Client) Wait(ctx context.Context, clOrdID string) (Order, error) {
	return c.Await(ctx, clOrdID, (*Order).Done)
}

// Await waits until cond holds for the order. cond must not call the client.
func (c *Client) Await(ctx context.Context, clOrdID string, cond func(*Order) bool) (Order, error) {
	err := c.await(ctx, func() bool {
		o := c.ledger.Order(clOrdID)
		return o != nil && cond(o)
	})
	o, ok := c.Order(clOrdID)
	switch {
	case !ok:
		return o, fmt.Errorf("%w order %s", errUnknown, clOrdID)
	case err != nil:
		return o, fmt.Errorf("EMS client: order %s is %v with CumQty %d of %d: %w; last: %s",
			clOrdID, o.OrdStatus, o.CumQty, o.OrderQty, err, c.last())
	}
	return o, nil
}

// AwaitReject waits for the n-th reject, counted from 1.
func (c *Client) AwaitReject(ctx context.Context, n int) (Reject, error) {
	if err := c.await(ctx, func() bool { return len(c.rejects) >= n }); err != nil {
		return Reject{}, fmt.Errorf("EMS client: reject %d: %w; last: %s", n, err, c.last())
	}
	return c.Rejects()[n-1], nil
}

// await waits until cond, which is called under the lock, holds.
func (c *Client) await(ctx context.Context, cond func() bool) error {
	for {
		c.mu.Lock()
		ok, changed := cond(), c.changed
		c.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// update changes the client's state and wakes whoever waits for it.
func (c *Client) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastEvent
}

func (c *Client) send(msg *quickfix.Message) error {
	msg.Body.SetField(60, quickfix.FIXUTCTimestamp{Time: time.Now()})
	if err := quickfix.SendToTarget(msg, c.id); err != nil {
		return fmt.Errorf("EMS client: %w", err)
	}
	return nil
}
