package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"penstock/fix"
	"penstock/venues/fixgw"
	"penstock/venues/wire"
)

// orderSession is what an order session may have beside an address.
type orderSession struct {
	// The venue's key for us, and what signs the Logon: a file that only we can
	// read, or a variable. For coinbase its second line is the passphrase, for
	// binance it is a PKCS #8 key in PEM.
	APIKey     string `toml:"api_key"`
	SecretFile string `toml:"secret_file"`
	SecretEnv  string `toml:"secret_env"`

	Account     string `toml:"account"`
	Capacity    string `toml:"capacity"`
	SelfTrade   string `toml:"self_trade"`
	SenderSubID string `toml:"sender_sub_id"`
	TargetSubID string `toml:"target_sub_id"`

	OutLimit    int           `toml:"out_limit"` // bytes
	Slow        duration      `toml:"slow"`
	UserTimeout duration      `toml:"user_timeout"`
	BusyPoll    *int          `toml:"busy_poll,omitempty"` // µs, 0: never
	Throttle    *throttleKeys `toml:"throttle,omitempty"`
	TLS         *orderTLS     `toml:"tls,omitempty"`
	ouchSection
}

type throttleKeys struct {
	Messages int      `toml:"messages"`
	Window   duration `toml:"window"`
	Reserve  int      `toml:"reserve"`
}

// orderTLS makes the session TLS. There is no key to leave certificates unchecked.
type orderTLS struct {
	ServerName string `toml:"server_name"` // empty: the host of the address
	CAFile     string `toml:"ca_file"`     // the only authorities to trust
	CertFile   string `toml:"cert_file"`
	KeyFile    string `toml:"key_file"`
}

func (o *ordersSection) validateSession() error {
	d, ok := fixgw.DialectByName(o.Dialect)
	if !ok {
		return nil // recorded
	}
	host, _, err := net.SplitHostPort(o.Address)
	ip := net.ParseIP(host)
	signed := d.Signature != fixgw.SignNone
	switch {
	case err != nil:
		return nil // said by who checks the address
	case o.SecretFile != "" && o.SecretEnv != "":
		return errors.New("set orders.secret_file or orders.secret_env, not both")
	case signed && (o.APIKey == "" || o.SecretFile == "" && o.SecretEnv == ""):
		return fmt.Errorf("orders.api_key and orders.secret_file must be set: %s wants a signed Logon", d.Name)
	case !signed && (o.APIKey != "" || o.SecretFile != "" || o.SecretEnv != ""):
		return fmt.Errorf("orders.api_key is not for dialect %s: it has no signed Logon", d.Name)
	case d.TLS && o.TLS == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return fmt.Errorf("[orders.tls] is missing: %s is spoken in TLS only", d.Name)
	case o.BusyPoll != nil && *o.BusyPoll < 0:
		return errors.New("orders.busy_poll must not be negative")
	case o.OutLimit < 0:
		return errors.New("orders.out_limit must not be negative")
	case o.TLS != nil && (o.TLS.CertFile == "") != (o.TLS.KeyFile == ""):
		return errors.New("orders.tls.cert_file and key_file belong together: set both or none")
	}
	return nil
}

// orderSession completes the configuration of a gateway.
func (c *Config) orderSession(o *ordersSection, g *fixgw.Config) error {
	var err error
	if g.Logon, err = c.orderLogon(o, &g.Dialect); err != nil {
		return err
	}
	g.Account = fixgw.Account{Account: o.Account, Capacity: o.Capacity, SelfTrade: o.SelfTrade,
		SenderSubID: o.SenderSubID, TargetSubID: o.TargetSubID}
	g.Socket = o.socket()
	g.OutLimit, g.SlowNanos = o.OutLimit, int64(o.Slow)
	if t := o.Throttle; t != nil {
		g.Throttle = fixgw.Throttle{Messages: t.Messages, WindowNanos: int64(t.Window), Reserve: t.Reserve}
	}
	if t := o.TLS; t != nil {
		g.TLS, err = wire.ClientTLS(wire.TLSFiles{ServerName: t.ServerName, CAFile: c.at(t.CAFile),
			CertFile: c.at(t.CertFile), KeyFile: c.at(t.KeyFile)})
		if err != nil {
			return fmt.Errorf("orders.tls.ca_file, cert_file and key_file: %w", err)
		}
	}
	return nil
}

// orderLogon returns what signs the Logon, nil where nothing is added.
func (c *Config) orderLogon(o *ordersSection, d *fixgw.Dialect) (func(*fix.Writer, fix.LogonHeader), error) {
	var text string
	if o.SecretFile != "" {
		var err error
		if text, err = fix.ReadSecret(c.at(o.SecretFile)); err != nil {
			return nil, fmt.Errorf("orders.secret_file: %w", err)
		}
	} else if o.SecretEnv != "" {
		var ok bool
		if text, ok = os.LookupEnv(o.SecretEnv); !ok {
			return nil, fmt.Errorf("orders.secret_env: %s is not set", o.SecretEnv)
		}
	}
	credentials := fixgw.Credentials{APIKey: o.APIKey, Secret: fixgw.Secret(text)}
	if d.Signature == fixgw.SignCoinbase {
		secret, passphrase, _ := strings.Cut(text, "\n")
		credentials.Secret, credentials.Passphrase = fixgw.Secret(secret), fixgw.Secret(passphrase)
	}
	return d.Logon(credentials)
}
