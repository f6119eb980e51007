package guard

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
	"time"
)

// expiryDays are how many days before its end a certificate is reported, and when it is over.
var expiryDays = [...]int{30, 7, 1, 0}

// expiry remembers what was said of which certificate, so that each step is said once.
type expiry struct {
	mu   sync.Mutex
	told map[[32]byte]int // steps of expiryDays that were said
}

// due returns how many days are left of a certificate, and whether that is to be said now:
// fewer than the next of expiryDays.
func (x *expiry) due(c *x509.Certificate, now time.Time) (days int, say bool) {
	left := c.NotAfter.Sub(now)
	days = max(int(left/(24*time.Hour)), 0)
	steps := 0
	for _, d := range expiryDays {
		if left <= time.Duration(d)*24*time.Hour {
			steps++
		}
	}
	key := sha256.Sum256(c.Raw)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.told == nil {
		x.told = make(map[[32]byte]int)
	}
	if steps <= x.told[key] {
		return days, false
	}
	x.told[key] = steps
	return days, true
}

// checkCertificate reports a certificate whose end is near; whose says what it is for.
func (g *Guard) checkCertificate(c *x509.Certificate, whose string, now time.Time) {
	days, say := g.expiry.due(c, now)
	if !say {
		return
	}
	g.counts[CertExpiring].Add(1)
	g.cfg.Logf("guard: ALERT: certificate %s of %s ends on %s, in %d days: replace the file, sessions stay up",
		c.Subject.CommonName, whose, c.NotAfter.UTC().Format(time.DateOnly), days)
}

// expiryEvery is how often our own certificates are looked at.
const expiryEvery = time.Hour

// watchCertificates reports our certificates and CAs before they end, until the guard closes.
func (g *Guard) watchCertificates() {
	defer g.wait.Done()
	tick := time.NewTicker(expiryEvery)
	defer tick.Stop()
	for {
		for _, c := range g.cfg.TLS.certificates() {
			g.checkCertificate(c, "the router", time.Now())
		}
		select {
		case <-tick.C:
		case <-g.done:
			return
		}
	}
}

// readCAs reads the certificates of a PEM file.
func readCAs(path string) (all []*x509.Certificate, err error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("TLS client CA: %w", err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("TLS client CA %s: %w", path, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("TLS client CA %s: no certificate in it", path)
	}
	return all, nil
}
