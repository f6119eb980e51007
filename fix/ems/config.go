package ems

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"

	"penstock/event"
	"penstock/fix/ems/guard"
	"penstock/internal/ring"
	"penstock/market"
)

// Config of an Acceptor. ReadCfg fills the upper part from a QuickFIX file.
type Config struct {
	Listen   string // host:port for clients
	StoreDir string // sequence numbers and messages sent
	LogDir   string
	// TLSCert and TLSKey are PEM files; both empty means plain TCP. With
	// TLSClientCA clients must show a certificate that it signed.
	TLSCert, TLSKey, TLSClientCA string
	Sessions                     []Session // the index of a session is Event.Client
	DropCopies                   []Session // of those who get a copy of every report, and send nothing

	// Port is what Listen says, taken already; nil: it is taken now.
	Port        *guard.Port
	Allow       []netip.Prefix // addresses that may connect; nil means loopback only
	Limits      guard.Limits
	Instruments []market.Instrument // index is InstrumentID
	Venues      []market.Venue      // index is VenueID
	// DefaultStrategy is that of an order without TargetStrategy(847); 0 refuses
	// such orders.
	DefaultStrategy event.Strategy
	QueueLen        int // reports waiting to be sent, a power of two; 0 means 8192

	Sink event.Sink
	// Durable returns the highest event Seq that is on disk. A report waits until
	// its Cause is; whoever advances Durable calls Wake. nil waits for nothing.
	Durable func() uint64
	// Run numbers the run whose reports are told: after a restart it is the same while
	// the journal goes on.
	Run uint64
	// Resume is for a router that goes on after its process has ended; nil otherwise.
	Resume *Resume
	// HostDied says that the files in StoreDir may be older than what was sent and received.
	HostDied bool
	// Damaged is called by Listen for each session whose store ended in bytes that are no records, which nothing
	// explains: they are cut off, and with them what the store had of the last messages. nil: nobody is told.
	Damaged func(session string, bytes int64)
}

// Session is one client's FIX session.
type Session struct {
	guard.Session
	Settings map[string]string // further QuickFIX settings
}

const defaultQueueLen = 8192

func (c *Config) validate() error {
	switch {
	case c.Sink == nil:
		return errors.New("ems: no sink")
	case c.Listen == "":
		return errors.New("ems: no address to listen on")
	case c.StoreDir == "" || c.LogDir == "":
		return errors.New("ems: a folder for the session store and one for the log are needed")
	case len(c.Sessions) == 0:
		return errors.New("ems: no session: name at least one client")
	case (c.TLSCert == "") != (c.TLSKey == "") || c.TLSClientCA != "" && c.TLSCert == "":
		return errors.New("ems: TLS needs both a certificate and a key")
	case !ring.ValidCapacity(c.queueLen()):
		return fmt.Errorf("ems: queue of %d reports: must be a power of two", c.QueueLen)
	}
	if s := c.DefaultStrategy; s != 0 && !s.Valid() {
		return fmt.Errorf("ems: default strategy %d is not known: %s", s, knownStrategies)
	}
	for i := range c.Instruments {
		if err := c.Instruments[i].Validate(); err != nil {
			return fmt.Errorf("ems: %w", err)
		}
		if int(c.Instruments[i].ID) != i {
			return fmt.Errorf("ems: instrument %s: ID %d at index %d", c.Instruments[i].Symbol,
				c.Instruments[i].ID, i)
		}
	}
	for i := range c.Sessions {
		if err := c.Sessions[i].validate(c); err != nil {
			return fmt.Errorf("ems: session %s: %w", c.Sessions[i].TargetCompID, err)
		}
	}
	for i := range c.DropCopies {
		if err := c.DropCopies[i].validate(c); err != nil {
			return fmt.Errorf("ems: drop copy %s: %w", c.DropCopies[i].TargetCompID, err)
		}
	}
	return nil
}

// Check reports what Listen would refuse of the configuration; files that it names are read, nothing is
// made and nothing listened to.
func (c Config) Check() error {
	c.Sessions, c.DropCopies = slices.Clone(c.Sessions), slices.Clone(c.DropCopies) // validate completes them
	if err := c.validate(); err != nil {
		return err
	}
	if _, err := c.settings(); err != nil {
		return err
	}
	_, err := c.tls(nil)
	return err
}

// tls reads the files of the listener, nil when it is plain TCP.
func (c *Config) tls(logf func(string, ...any)) (*guard.TLS, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	t, err := guard.LoadTLS(c.TLSCert, c.TLSKey, c.TLSClientCA, logf)
	if err != nil {
		return nil, fmt.Errorf("ems: %w", err)
	}
	return t, nil
}

func (c *Config) queueLen() int {
	if c.QueueLen == 0 {
		return defaultQueueLen
	}
	return c.QueueLen
}

func (s *Session) validate(c *Config) error {
	if s.BeginString == "" {
		s.BeginString = quickfix.BeginStringFIX44
	}
	switch {
	case s.BeginString != quickfix.BeginStringFIX44 && s.BeginString != quickfix.BeginStringFIX42:
		return fmt.Errorf("BeginString %s: only FIX.4.4 and FIX.4.2 are served", s.BeginString)
	case s.SenderCompID == "" || s.TargetCompID == "":
		return errors.New("SenderCompID (ours) and TargetCompID (the client's) are needed")
	case s.CertName != "" && c.TLSClientCA == "":
		return fmt.Errorf("CertName %s: there is no TLS client CA that would have signed such a certificate: name one", s.CertName)
	case len(s.CertSPKI) > 0 && c.TLSClientCA == "":
		return errors.New("CertSPKI: there is no TLS client CA that would have signed such a certificate: name one")
	}
	return nil
}

// id is quickfix's name of the session.
func (s *Session) id() quickfix.SessionID {
	return quickfix.SessionID{BeginString: s.BeginString, SenderCompID: s.SenderCompID,
		TargetCompID: s.TargetCompID}
}

// settings returns what quickfix is started with: it listens on loopback and only
// the guard talks to it.
func (c *Config) settings() (*quickfix.Settings, error) {
	all := quickfix.NewSettings()
	all.GlobalSettings().Set(config.SocketAcceptHost, "127.0.0.1")
	for _, s := range slices.Concat(c.Sessions, c.DropCopies) {
		one := quickfix.NewSessionSettings()
		for key, value := range s.Settings {
			one.Set(key, value)
		}
		one.Set(config.BeginString, s.BeginString)
		one.Set(config.SenderCompID, s.SenderCompID)
		one.Set(config.TargetCompID, s.TargetCompID)
		if _, err := all.AddSession(one); err != nil {
			return nil, fmt.Errorf("ems: session %s: %w", s.TargetCompID, err)
		}
	}
	return all, nil
}
