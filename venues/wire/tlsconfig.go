package wire

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLSFiles says how a client proves and checks identities. Files are PEM.
type TLSFiles struct {
	// ServerName is the name that the server's certificate must have, sent as
	// SNI too: a DNS name or an IP address. Who dials without it sets it later.
	ServerName string
	CAFile     string // the only authorities to trust; "" trusts the system's
	CertFile   string // our certificate, with its chain, for a server that asks; "" none
	KeyFile    string // its key
}

// ClientTLS reads the files. TLS 1.2 is the least that is accepted.
func ClientTLS(f TLSFiles) (*tls.Config, error) {
	c := &tls.Config{ServerName: f.ServerName, MinVersion: tls.VersionTLS12}
	if f.CAFile != "" {
		pem, err := os.ReadFile(f.CAFile)
		if err != nil {
			return nil, fmt.Errorf("TLS authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("TLS authorities %s: no certificate in it", f.CAFile)
		}
	}
	if (f.CertFile == "") != (f.KeyFile == "") {
		return nil, fmt.Errorf("TLS: a client certificate and its key belong together: set both or none")
	}
	if f.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("TLS client certificate %s: %w", f.CertFile, err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}
