package wire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	file string // PEM of cert
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	der := a.issue(&x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign})
	a.file = filepath.Join(t.TempDir(), "ca.pem")
	a.write(a.file, "CERTIFICATE", der.Certificate[0])
	return a
}

func (a *authority) check(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) write(file, kind string, der []byte) {
	a.check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// issue signs template, itself when it is the first.
func (a *authority) issue(template *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.check(err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: "test"}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.BasicConstraintsValid = true
	if a.key == nil {
		a.key, a.cert = key, template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	a.check(err)
	leaf, err := x509.ParseCertificate(der)
	a.check(err)
	if a.cert == template {
		a.cert = leaf
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// server returns the configuration of a server of that name.
func (a *authority) server(name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(&x509.Certificate{DNSNames: []string{name}})}}
}

// tlsPair connects a TLSConn with a server that runs serve on the accepted
// connection.
func tlsPair(t *testing.T, ca *authority, server *tls.Config, serve func(*tls.Conn)) *TLSConn {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		serve(tls.Server(c, server))
	}()
	t.Cleanup(func() { l.Close(); <-done })
	c, err := ClientTLS(TLSFiles{ServerName: "venue.test", CAFile: ca.file})
	if err != nil {
		t.Fatal(err)
	}
	return dialTLS(t, l.Addr().String(), c, patience)
}

func dialTLS(t *testing.T, addr string, c *tls.Config, timeout time.Duration) *TLSConn {
	t.Helper()
	ap, err := Resolve(addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := DialTLS(ap, c, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// untilOpen waits until the handshake is decided.
func untilOpen(t *testing.T, c *TLSConn) error {
	t.Helper()
	p := newPoller(t)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		state, err := c.Poll()
		if err != nil || state == Open {
			return err
		}
		if _, err := p.Wait([]PollFD{c.PollFD(false)}, time.Until(deadline)); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("handshake not decided in time")
	return nil
}

// readTLS reads until the end or n bytes.
func readTLS(t *testing.T, c *TLSConn, n int) (got []byte, err error) {
	t.Helper()
	p := newPoller(t)
	buf := make([]byte, 8<<10)
	for deadline := time.Now().Add(patience); len(got) < n; {
		k, err := c.Read(buf)
		got = append(got, buf[:k]...)
		if err != nil {
			return got, err
		}
		if k == 0 {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d bytes in time", len(got), n)
			}
			p.Wait([]PollFD{c.PollFD(false)}, time.Until(deadline))
		}
	}
	return got, nil
}

// TestTLSCarriesDataBothWays sends more than any buffer holds through an echo.
func TestTLSCarriesDataBothWays(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			ca := newAuthority(t)
			server := ca.server("venue.test")
			server.MinVersion, server.MaxVersion = version, version
			c := tlsPair(t, ca, server, func(s *tls.Conn) { io.Copy(s, s) })
			if err := untilOpen(t, c); err != nil {
				t.Fatal(err)
			}
			if got := c.ConnectionState().Version; got != version {
				t.Fatalf("version %x", got)
			}
			sent := make([]byte, 3<<20)
			rand.Read(sent)
			p, buf := newPoller(t), make([]byte, 64<<10)
			var got []byte
			for left := sent; len(got) < len(sent); {
				n, err := c.Write(left)
				if err != nil {
					t.Fatal(err)
				}
				left = left[n:]
				k, err := c.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, buf[:k]...); n == 0 && k == 0 {
					if ready, err := p.Wait([]PollFD{c.PollFD(len(left) > 0)}, patience); ready == 0 {
						t.Fatal("stuck", err)
					}
				}
				if len(c.raw.out) > 2*sealMax {
					t.Fatalf("%d bytes wait for the kernel", len(c.raw.out))
				}
			}
			if !bytes.Equal(got, sent) {
				t.Fatal("other bytes came back")
			}
		})
	}
}

// slowly writes a byte at a time, so that every record comes in parts.
type slowly struct{ net.Conn }

func (s slowly) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := s.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestTLSRecordsComeInParts(t *testing.T) {
	ca := newAuthority(t)
	text := []byte(strings.Repeat("0123456789", 40))
	c := tlsPair(t, ca, nil, func(s *tls.Conn) {
		s = tls.Server(slowly{s.NetConn()}, ca.server("venue.test"))
		for range 5 {
			s.Write(text)
		}
		s.Close()
	})
	if err := untilOpen(t, c); err != nil {
		t.Fatal(err)
	}
	got, err := readTLS(t, c, 1<<20)
	if err != io.EOF || !bytes.Equal(got, bytes.Repeat(text, 5)) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// TestTLSEndIsToldFromACut: crypto/tls takes both for io.EOF between records.
func TestTLSEndIsToldFromACut(t *testing.T) {
	ca := newAuthority(t)
	for name, x := range map[string]struct {
		end  func(*tls.Conn)
		want error
	}{
		"close_notify":  {func(s *tls.Conn) { s.CloseWrite() }, io.EOF},
		"between":       {func(s *tls.Conn) { s.NetConn().Close() }, ErrCut},
		"in a record":   {func(s *tls.Conn) { s.NetConn().Write([]byte{23, 3, 3, 0, 99, 1, 2}); s.NetConn().Close() }, ErrCut},
		"reset by peer": {func(s *tls.Conn) { s.NetConn().(*net.TCPConn).SetLinger(0); s.NetConn().Close() }, unix.ECONNRESET},
	} {
		read := make(chan struct{})
		c := tlsPair(t, ca, ca.server("venue.test"), func(s *tls.Conn) {
			s.Write([]byte("hello"))
			<-read
			x.end(s)
		})
		if err := untilOpen(t, c); err != nil {
			t.Fatal(err)
		}
		got, err := readTLS(t, c, 5)
		close(read)
		if string(got) != "hello" || err != nil {
			t.Fatalf("%s: %q %v", name, got, err)
		}
		if _, err = readTLS(t, c, 1); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
		c.Close()
	}
}

func TestTLSCloseSaysSo(t *testing.T) {
	ca := newAuthority(t)
	end := make(chan error, 1)
	c := tlsPair(t, ca, ca.server("venue.test"), func(s *tls.Conn) {
		_, err := s.Read(make([]byte, 1))
		end <- err
	})
	if err := untilOpen(t, c); err != nil {
		t.Fatal(err)
	}
	fd := c.FD()
	c.Close()
	c.Close()
	if err := <-end; err != io.EOF {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != os.ErrClosed || c.FD() != -1 || fd < 0 {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("x")); err != os.ErrClosed {
		t.Fatal(err)
	}
}

func TestTLSRefusesWhoItDoesNotKnow(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	old := ca.server("venue.test")
	old.MaxVersion = tls.VersionTLS11
	old.MinVersion = tls.VersionTLS10
	asking := ca.server("venue.test")
	asking.ClientAuth = tls.RequireAnyClientCert
	asking.MaxVersion = tls.VersionTLS12 // 1.3 tells only after the client's side is done
	for want, server := range map[string]*tls.Config{
		"valid for other.test, not venue.test": ca.server("other.test"),
		"unknown authority":                    other.server("venue.test"),
		"protocol version":                     old,
		"handshake failure":                    asking,
	} {
		c := tlsPair(t, ca, server, func(s *tls.Conn) { s.Handshake() })
		err := untilOpen(t, c)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "TLS handshake with 127.0.0.1") {
			t.Errorf("%v, want %q in it", err, want)
		}
		if state, err := c.Poll(); state != Closed || err != nil || c.FD() != -1 {
			t.Errorf("after the refusal: %v %v", state, err)
		}
	}
}

func TestTLSShowsOurCertificate(t *testing.T) {
	ca := newAuthority(t)
	server := ca.server("venue.test")
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	server.ClientCAs.AddCert(ca.cert)
	cert := ca.issue(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	ca.check(err)
	f := TLSFiles{ServerName: "venue.test", CAFile: ca.file,
		CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}
	ca.write(f.CertFile, "CERTIFICATE", cert.Certificate[0])
	ca.write(f.KeyFile, "PRIVATE KEY", key)
	l := listen(t, "127.0.0.1:0")
	shown := make(chan int, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		s := tls.Server(c, server)
		s.Handshake()
		shown <- len(s.ConnectionState().PeerCertificates)
	}()
	config, err := ClientTLS(f)
	ca.check(err)
	ca.check(untilOpen(t, dialTLS(t, l.Addr().String(), config, patience)))
	if n := <-shown; n != 1 {
		t.Fatalf("%d certificates shown", n)
	}
}

func TestTLSFilesSayWhatIsWrong(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]TLSFiles{
		"no certificate in it":   {ServerName: "x", CAFile: bad},
		"no such file":           {ServerName: "x", CAFile: bad + "x"},
		"belong together":        {ServerName: "x", CertFile: bad},
		"TLS client certificate": {ServerName: "x", CertFile: bad, KeyFile: bad},
	} {
		if _, err := ClientTLS(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	ap, _ := Resolve("127.0.0.1:9")
	for _, c := range []*tls.Config{nil, {}} {
		if _, err := DialTLS(ap, c, patience); err == nil {
			t.Error("dialled without a name")
		}
	}
	if _, err := DialTLS(ap, &tls.Config{ServerName: "x"}, 0); err == nil {
		t.Error("dialled without a limit")
	}
}

// TestTLSHandshakeWithAHalfOpenPeer: the peer accepts and says nothing.
func TestTLSHandshakeWithAHalfOpenPeer(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	c := dialTLS(t, l.Addr().String(), &tls.Config{ServerName: "venue.test"}, 50*time.Millisecond)
	accept(t, l)
	if err := untilOpen(t, c); !errors.Is(err, ErrHandshakeTimeout) {
		t.Fatal(err)
	}
	// Broken off by the owner: the peer sees the end at once.
	c = dialTLS(t, l.Addr().String(), &tls.Config{ServerName: "venue.test"}, patience)
	peer := accept(t, l)
	p := newPoller(t)
	for c.bell < 0 {
		if _, err := c.Poll(); err != nil {
			t.Fatal(err)
		}
		p.Wait([]PollFD{c.PollFD(false)}, time.Millisecond)
	}
	c.Close()
	if _, err := io.Copy(io.Discard, peer); err != nil && !errors.Is(err, unix.ECONNRESET) {
		t.Fatal(err)
	}
	if c.FD() != -1 || c.PollFD(true).FD != -1 {
		t.Fatal("descriptor left")
	}
}

// TestTLSReadAllocations: crypto/tls opens records in place, also when they come
// in parts and when nothing is there.
func TestTLSReadAllocations(t *testing.T) {
	ca := newAuthority(t)
	const records, size = 2501, 300
	sent := make(chan struct{})
	c := tlsPair(t, ca, ca.server("venue.test"), func(s *tls.Conn) {
		text := make([]byte, size)
		for range records {
			s.Write(text)
		}
		close(sent)
		s.Read(text)
	})
	if err := untilOpen(t, c); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4<<10)
	total := 0
	p := newPoller(t)
	fds := []PollFD{c.PollFD(false)}
	read := func() {
		for {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if total += n; n > 0 {
				return
			}
			p.Wait(fds, patience)
		}
	}
	for range 500 {
		read()
	}
	<-sent
	per := testing.AllocsPerRun(1000, read)
	for range 1000 {
		read()
	}
	idle := testing.AllocsPerRun(100, func() {
		if n, err := c.Read(buf); n > 0 || err != nil {
			t.Fatal(n, err)
		}
	})
	if per != 0 || idle != 0 {
		t.Errorf("%v allocations per record, %v per read of nothing", per, idle)
	}
}

func TestLookupResolvesWithoutBlocking(t *testing.T) {
	if l := StartLookup("127.0.0.1:80"); !l.Done() {
		t.Fatal("a number is known at once")
	}
	for _, x := range []struct{ addr, want string }{{"localhost:81", ":81"}, {"nowhere", ""}} {
		l := StartLookup(x.addr)
		for deadline := time.Now().Add(patience); !l.Done(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no answer")
			}
		}
		ap, err := l.Result()
		if (err == nil) != (x.want != "") || !strings.HasSuffix(ap.String(), x.want) {
			t.Errorf("%s: %v %v", x.addr, ap, err)
		}
	}
}
