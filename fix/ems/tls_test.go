package ems

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"penstock/fix/ems/guard"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	path string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.path, _ = a.issue("ca", nil)
	return a
}

// issue writes a certificate and its key, signed by the authority, or by itself
// when it is the first.
func (a *authority) issue(name string, ips []net.IP) (certFile, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.check(err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	a.check(err)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: ips,
		KeyUsage: x509.KeyUsageDigitalSignature, IsCA: a.key == nil, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if a.key == nil {
		template.KeyUsage |= x509.KeyUsageCertSign
		a.key, a.cert = key, template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	a.check(err)
	if a.cert == template {
		a.cert, err = x509.ParseCertificate(der)
		a.check(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	a.check(err)
	return a.write(name+".crt", "CERTIFICATE", der), a.write(name+".key", "PRIVATE KEY", keyDER)
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	a.check(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

func (a *authority) check(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func TestClientCertificateIsBoundToItsSession(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := testConfig(t, newDesk(), 2)
	cfg.TLSCert, cfg.TLSKey = ca.issue("router", []net.IP{net.IPv4(127, 0, 0, 1)})
	cfg.TLSClientCA = ca.path
	var certs [2]tls.Certificate
	for i := range certs {
		cert, key := ca.issue(cfg.Sessions[i].TargetCompID, nil)
		var err error
		certs[i], err = tls.LoadX509KeyPair(cert, key)
		ca.check(err)
		leaf, err := x509.ParseCertificate(certs[i].Certificate[0])
		ca.check(err)
		sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
		cfg.Sessions[i].CertSPKI = sum[:]
	}
	a := listen(t, cfg)
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	dialTLS := func(client int, cert ...tls.Certificate) (*peer, error) {
		conn, err := tls.Dial("tcp", a.Addr(), &tls.Config{RootCAs: roots, Certificates: cert})
		if err != nil {
			return nil, err
		}
		return newPeer(t, conn, cfg.Sessions[client].TargetCompID), nil
	}

	p, err := dialTLS(0, certs[0])
	ca.check(err)
	p.logon().ping()

	// The certificate of one session does not open another.
	p, err = dialTLS(1, certs[0])
	ca.check(err)
	p.send("A", "98=0|108=30|")
	p.expectClosed()
	if n := a.Guard().Count(guard.Certificate); n != 1 {
		t.Errorf("%d refused for the certificate, want 1", n)
	}

	// Neither does none, nor plain TCP.
	if p, err = dialTLS(1); err == nil {
		p.expectClosed()
	}
	p = dial(t, a, 1)
	p.send("A", "98=0|108=30|")
	p.expectClosed()
	// The guard counts after it has closed.
	for deadline := time.Now().Add(patience); a.Guard().Count(guard.TLSHandshake) < 2 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n := a.Guard().Count(guard.TLSHandshake); n != 2 {
		t.Errorf("%d failed handshakes, want 2", n)
	}

	p, err = dialTLS(1, certs[1])
	ca.check(err)
	p.logon().ping()
}

// A name of the certificate may stand for its key, and files that change are used by who
// connects then: sessions stay up, files that are no good change nothing (FM-80).
func TestCertificatesChangeWhileSessionsLive(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := testConfig(t, newDesk(), 2)
	cfg.TLSCert, cfg.TLSKey = ca.issue("router", []net.IP{net.IPv4(127, 0, 0, 1)})
	cfg.TLSClientCA = ca.path
	cfg.Sessions[0].CertName, cfg.Sessions[1].CertName = "10.1.2.3", "10.1.2.4"
	cert, key := ca.issue("desk", []net.IP{net.IPv4(10, 1, 2, 3)})
	desk, err := tls.LoadX509KeyPair(cert, key)
	ca.check(err)
	a := listen(t, cfg)
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	dialTLS := func(client int) (p *peer, serial string) {
		t.Helper()
		conn, err := tls.Dial("tcp", a.Addr(), &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{desk}})
		ca.check(err)
		return newPeer(t, conn, cfg.Sessions[client].TargetCompID), conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first, before := dialTLS(0)
	first.logon().ping()
	other, _ := dialTLS(1)
	other.send("A", "98=0|108=30|")
	other.expectClosed()
	if n := a.Guard().Count(guard.Certificate); n != 1 {
		t.Errorf("%d refused for the name in the certificate, want 1", n)
	}
	// All of these end within the hour: ours, the CA's and the client's are reported, the first two by a goroutine
	// of the guard's.
	for deadline := time.Now().Add(patience); a.Guard().Count(guard.CertExpiring) < 3 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n := a.Guard().Count(guard.CertExpiring); n != 3 {
		t.Errorf("%d certificates reported, want 3", n)
	}

	ca.check(os.WriteFile(cfg.TLSKey, []byte("no key"), 0o600))
	time.Sleep(1100 * time.Millisecond) // the files are looked at once a second
	if _, still := dialTLS(1); still != before {
		t.Error("files that cannot be used took effect")
	}
	ca.issue("router", []net.IP{net.IPv4(127, 0, 0, 1)})
	time.Sleep(1100 * time.Millisecond)
	if _, after := dialTLS(1); after == before {
		t.Error("the new certificate is not used")
	}
	first.ping()
}

// FM-78: a Logon that was recorded, or whose sender's clock is wrong, does not work.
func TestSendingTimeOfALogonMustBeNow(t *testing.T) {
	t.Parallel()
	a := listen(t, testConfig(t, newDesk(), 1))
	for _, at := range []string{time.Now().UTC().Add(-3 * time.Minute).Format("20060102-15:04:05"),
		time.Now().UTC().Add(3 * time.Minute).Format("20060102-15:04:05.000"), "yesterday", "20010101-00:00:00"} {
		p := dial(t, a, 0)
		p.write(message("35=A|49=" + p.name + "|56=PENSTOCK|34=1|52=" + at + "|98=0|108=30|"))
		p.expectClosed()
	}
	if n := a.Guard().Count(guard.SendingTime); n != 4 {
		t.Errorf("%d refused, want 4", n)
	}
	alive(t, a, 0)
}
