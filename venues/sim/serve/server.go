package serve

import (
	"errors"

	"penstock/event"
	"penstock/market"
	"penstock/venues/sim"
)

// engine is what the three kinds of venue have in common for order entry.
type engine interface {
	Enter(now int64, o sim.Order)
	Cancel(now int64, owner uint32, request, orig event.ID)
	CancelAll(now int64, owner uint32)
	Status(owner uint32, clOrdID event.ID) (sim.OrderState, bool)
	Trades(owner uint32) []sim.Fill
	Orders(owner uint32) []sim.OrderState
	NextExecID() uint64
}

// feed is a market data protocol of a lit venue. All calls hold Market.mu.
type feed interface {
	change(c *sim.BookChange)
	trade(t *sim.Trade)
	halt(now int64, halted bool)
	serve()
	close(now int64) error
}

// Server is one running venue. Its methods are safe for concurrent use.
type Server struct {
	market *Market
	cfg    Venue
	in     *market.Instrument

	engine   engine
	exchange *sim.Exchange // of a lit venue
	pool     *sim.DarkPool
	dealer   *sim.Dealer

	orders   orderPort
	dropCopy *dropCopy // nil without one
	feed     feed      // nil for dark pools and dealers
	mold     *mold
	itch     *itchFeed
	glimpse  *glimpse // of ITCH with a snapshot address
	ws       *webSocket
	kraken   *kraken
	http     *httpDepth // of a Binance feed
	rate     int        // bytes a second that each connection lets out; 0 for any number
	fix      *fixFeed
}

func newServer(m *Market, cfg Venue, now int64) (*Server, error) {
	s := &Server{market: m, cfg: cfg, in: &m.cfg.Instrument}
	entry, err := s.openOrders()
	if err != nil {
		return s, err
	}
	if cfg.DropCopyAddr != "" {
		if s.dropCopy, err = newDropCopy(s); err != nil {
			return s, err
		}
	}
	if err = s.openFeed(now); err != nil {
		return s, err
	}
	v := sim.Venue{
		Instrument: m.cfg.Instrument, TakeFee: cfg.TakeFee, MakeFee: cfg.MakeFee,
		IDBase:  m.cfg.IDBase,
		Replies: sim.Replies{Report: s.onReport, Reject: s.orders.onCancelReject},
	}
	var invite func(*sim.Invitation)
	if entry != nil {
		invite = entry.onInvite
	}
	switch cfg.Kind {
	case market.Lit:
		s.exchange, err = sim.NewExchange(sim.ExchangeConfig{
			Venue: v, Book: s.feed.change, Trade: s.feed.trade,
		})
		s.engine = s.exchange
	case market.Dark:
		s.pool, err = sim.NewDarkPool(sim.DarkPoolConfig{
			Venue: v, StaleNanos: cfg.StaleNanos, Contra: cfg.Contra, Conditional: cfg.Conditional, Invite: invite,
		})
		s.engine = s.pool
	case market.SDP:
		d := cfg.Dealer
		d.Venue, d.Quote, d.QuoteCancelled = v, entry.onQuote, entry.onQuoteCancelled
		s.dealer, err = sim.NewDealer(d)
		s.engine = s.dealer
	}
	return s, err
}

// onReport tells a report to whom it concerns.
func (s *Server) onReport(r *sim.Report) {
	s.orders.onReport(r)
	if s.dropCopy != nil {
		s.dropCopy.onReport(r)
	}
}

// openOrders opens the order entry. entry is nil when that is not in FIX.
func (s *Server) openOrders() (entry *orderEntry, err error) {
	if s.cfg.Orders == FIX44 {
		if entry, err = newOrderEntry(s); err == nil {
			s.orders = entry
		}
		return entry, err
	}
	e, err := newOUCHEntry(s)
	if err == nil {
		s.orders = e
	}
	return nil, err
}

func (s *Server) openFeed(now int64) (err error) {
	switch s.cfg.Feed {
	case ITCH:
		s.mold, err = newMold(s, now)
		if s.mold != nil {
			s.itch = newITCHFeed(s, now)
			s.feed = s.itch
		}
		if err == nil && s.cfg.SnapshotAddr != "" {
			s.glimpse, err = newGlimpse(s)
		}
	case Kraken:
		s.kraken = newKraken(s)
		s.ws, err = newWebSocket(s, s.kraken)
		s.feed = s.kraken
	case Coinbase:
		c := newCoinbase(s)
		s.ws, err = newWebSocket(s, c)
		s.feed = c
	case Binance:
		b := newBinance(s)
		s.feed = b
		if s.http, err = newHTTPDepth(b); err == nil {
			s.ws, err = newWebSocket(s, b)
		}
	case FIX:
		s.fix, err = newFIXFeed(s)
		if err == nil {
			s.feed = s.fix
		}
	}
	return err
}

// serve starts the goroutines of the venue; Market.mu is held.
func (s *Server) serve() {
	s.orders.serve()
	if s.dropCopy != nil {
		s.dropCopy.entry.serve()
	}
	if s.feed != nil {
		s.feed.serve()
	}
	if s.glimpse != nil {
		s.glimpse.serve()
	}
}

func (s *Server) close(now int64) error {
	var errs []error
	if s.orders != nil {
		errs = append(errs, s.orders.close(now))
	}
	if s.dropCopy != nil && s.dropCopy.entry != nil {
		errs = append(errs, s.dropCopy.entry.close(now))
	}
	if s.feed != nil {
		errs = append(errs, s.feed.close(now))
	}
	if s.ws != nil {
		errs = append(errs, s.ws.close())
	}
	if s.glimpse != nil {
		errs = append(errs, s.glimpse.close())
	}
	return errors.Join(errs...)
}

// Name returns the name of the venue, which is its CompID too.
func (s *Server) Name() string { return s.cfg.Name }

// Config returns what the venue was started with.
func (s *Server) Config() Venue { return s.cfg }

// OrderAddr returns the address of order entry.
func (s *Server) OrderAddr() string { return s.orders.addr() }

// FeedAddr returns the address of the WebSocket feed or the market data acceptor,
// "" when there is none.
func (s *Server) FeedAddr() string {
	if s.fix != nil {
		return s.fix.entry.listener.Addr().String()
	}
	if s.ws == nil {
		return ""
	}
	return s.ws.listener.Addr().String()
}

// SnapshotBase returns the URL below which snapshots are to be had, "" when they
// come with the feed.
func (s *Server) SnapshotBase() string {
	if s.http == nil {
		return ""
	}
	scheme := "http://"
	if s.cfg.TLS {
		scheme = "https://"
	}
	return scheme + s.http.listener.Addr().String()
}

// RerequestAddr returns the UDP address of the re-request server, "" when there
// is none.
func (s *Server) RerequestAddr() string {
	if s.mold == nil {
		return ""
	}
	return s.mold.requests.LocalAddr().String()
}

// SnapshotAddr returns the TCP address of the GLIMPSE server, "" when there is none.
func (s *Server) SnapshotAddr() string {
	if s.glimpse == nil {
		return ""
	}
	return s.glimpse.listener.Addr().String()
}

// Trades returns the venue's book of trades for a client, in order of time.
func (s *Server) Trades(client string) []sim.Fill {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if owner := s.orders.ownerOf(client); owner != 0 {
		return s.engine.Trades(owner)
	}
	return nil
}

// Orders returns the venue's states of all orders of a client, in order of entry.
func (s *Server) Orders(client string) []sim.OrderState {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if owner := s.orders.ownerOf(client); owner != 0 {
		return s.engine.Orders(owner)
	}
	return nil
}

// Depth returns up to n displayed levels of a side, best first.
func (s *Server) Depth(side market.Side, n int) []sim.Level {
	s.market.mu.Lock()
	defer s.market.mu.Unlock()
	if s.exchange == nil {
		return nil
	}
	return s.exchange.Depth(nil, side, n)
}
