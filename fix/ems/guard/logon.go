package guard

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"net/netip"
	"slices"
	"time"

	"penstock/fix"
)

// Session is one FIX session that may log on, and on which terms.
type Session struct {
	BeginString  string
	SenderCompID string // ours: what the client sends in TargetCompID(56)
	TargetCompID string // the client's: what it sends in SenderCompID(49)

	// AllowReset lets the client send ResetSeqNumFlag(141)=Y, which drops every
	// report that it has not yet received.
	AllowReset bool
	// Username and Password, when set, must come in 553 and 554 of the Logon.
	Username, Password string
	// CertSPKI, when set, is the SHA-256 of the public key (SPKI, DER) that the
	// client's TLS certificate must carry.
	CertSPKI []byte
	// CertName, when set, must be one of the names (SAN) of the client's TLS certificate.
	CertName string
	// Allow narrows the addresses further; nil allows all that Config.Allow does.
	Allow []netip.Prefix
}

// admit judges a Logon(A) from ip. The session is returned even with a reason,
// for the log, if there is one.
func (g *Guard) admit(s *summary, ip netip.Addr, peer *tls.ConnectionState) (*Session, Reason) {
	session := g.session(s)
	if session == nil {
		return nil, UnknownSession
	}
	switch {
	case session.Allow != nil && !contains(session.Allow, ip):
		return session, SourceCIDR
	case len(session.CertSPKI) > 0 && !certIs(peer, session.CertSPKI),
		session.CertName != "" && !certNamed(peer, session.CertName):
		return session, Certificate
	case !session.credentials(s):
		return session, Credentials
	case !g.timely(s.sendingTime):
		return session, SendingTime
	case s.resetSeqNum && !session.AllowReset:
		return session, ResetRefused
	case s.heartBtInt < g.cfg.Limits.HeartBtMin || s.heartBtInt > g.cfg.Limits.HeartBtMax:
		return session, HeartBtInt
	}
	return session, None
}

func (g *Guard) session(s *summary) *Session {
	for i := range g.cfg.Sessions {
		c := &g.cfg.Sessions[i]
		if c.TargetCompID == string(s.sender) && c.SenderCompID == string(s.target) &&
			c.BeginString == string(s.beginString) {
			return c
		}
	}
	return nil
}

// credentials compares in constant time, by digest, so that not even the length
// of the secret shows.
func (c *Session) credentials(s *summary) bool {
	ok := 1
	if c.Username != "" {
		ok &= same(c.Username, s.username)
	}
	if c.Password != "" {
		ok &= same(c.Password, s.password)
	}
	return ok == 1
}

func same(want string, got []byte) int {
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256(got)
	return subtle.ConstantTimeCompare(a[:], b[:])
}

// timely reports whether SendingTime(52) is near our time.
func (g *Guard) timely(sendingTime []byte) bool {
	ns, err := fix.ParseTime(sendingTime)
	return err == nil && time.Since(time.Unix(0, ns)).Abs() <= g.cfg.Limits.Clock
}

func certNamed(peer *tls.ConnectionState, name string) bool {
	return peer != nil && len(peer.PeerCertificates) > 0 && slices.Contains(certNames(peer.PeerCertificates[0]), name)
}

func certIs(peer *tls.ConnectionState, spki []byte) bool {
	if peer == nil || len(peer.PeerCertificates) == 0 {
		return false
	}
	sum := sha256.Sum256(peer.PeerCertificates[0].RawSubjectPublicKeyInfo)
	return subtle.ConstantTimeCompare(sum[:], spki) == 1
}

func contains(prefixes []netip.Prefix, ip netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
