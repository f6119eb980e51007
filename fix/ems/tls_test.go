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
	if n := a.Guard().Count(guard.TLSHandshake); n != 2 {
		t.Errorf("%d failed handshakes, want 2", n)
	}

	p, err = dialTLS(1, certs[1])
	ca.check(err)
	p.logon().ping()
}
