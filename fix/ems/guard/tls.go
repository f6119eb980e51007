package guard

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLS is the identity of a TLS 1.3 listener, from PEM files that may change while it runs: new
// connections get what the files say then, open ones go on (FM-80). It is safe for concurrent
// use.
type TLS struct {
	files [3]string // certificate, key, CA of the clients; the last may be empty
	logf  func(format string, args ...any)

	mu      sync.Mutex
	config  *tls.Config
	own     []*x509.Certificate // our chain and the CAs, for their ends
	stamps  [3]fileStamp
	checked time.Time
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// reloadEvery is how often the files are looked at, when somebody connects.
const reloadEvery = time.Second

// LoadTLS reads the files. With clientCA the client must show a certificate that it signed.
func LoadTLS(certFile, keyFile, clientCA string, logf func(string, ...any)) (*TLS, error) {
	t := &TLS{files: [3]string{certFile, keyFile, clientCA}, logf: logf}
	t.stamps = t.look()
	var err error
	if t.config, t.own, err = t.load(); err != nil {
		return nil, err
	}
	return t, nil
}

// Config returns what a listener needs.
func (t *TLS) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.current(), nil }}
}

// current returns the configuration for a connection that begins now. Files that changed
// and cannot be used are reported, and the old ones stay.
func (t *TLS) current() *tls.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Sub(t.checked) < reloadEvery {
		return t.config
	}
	t.checked = now
	stamps := t.look()
	if stamps == t.stamps {
		return t.config
	}
	t.stamps = stamps
	config, own, err := t.load()
	if err != nil {
		t.logf("guard: new TLS files are not used, the old ones are: %v", err)
		return t.config
	}
	t.config, t.own = config, own
	t.logf("guard: TLS files loaded again")
	return t.config
}

func (t *TLS) look() (stamps [3]fileStamp) {
	for i, file := range t.files {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

func (t *TLS) load() (*tls.Config, []*x509.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(t.files[0], t.files[1])
	if err != nil {
		return nil, nil, fmt.Errorf("TLS certificate %s: %w", t.files[0], err)
	}
	var own []*x509.Certificate
	for _, der := range cert.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, fmt.Errorf("TLS certificate %s: %w", t.files[0], err)
		}
		own = append(own, c)
	}
	// Without tickets every connection shows its certificate to the CAs of the day.
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert},
		SessionTicketsDisabled: true}
	if t.files[2] == "" {
		return cfg, own, nil
	}
	cas, err := readCAs(t.files[2])
	if err != nil {
		return nil, nil, err
	}
	cfg.ClientCAs = x509.NewCertPool()
	for _, ca := range cas {
		cfg.ClientCAs.AddCert(ca)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	return cfg, append(own, cas...), nil
}

// certificates returns our chain and the CAs.
func (t *TLS) certificates() []*x509.Certificate {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.own
}

// certNames are what a client certificate calls itself: the names of its SAN.
func certNames(c *x509.Certificate) []string {
	names := append(append([]string(nil), c.DNSNames...), c.EmailAddresses...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}
