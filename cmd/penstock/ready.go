package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"penstock/event"
	"penstock/venues/jsonws"
)

// fault makes an error a configuration's, with the line that it is about.
func (c *Config) fault(err error) error {
	return fmt.Errorf("%w %s %s: %w", errConfig, c.Path, placeOf(c.Raw, err.Error()), err)
}

// ready says what a start would refuse of a configuration that reads well: it reads the files that the
// configuration names and builds sessions and feeds of it. Nothing is made, looked up or opened for it. A
// journal is run again without: its files may be gone.
func (c *Config) ready() error {
	for i := range c.Venue {
		if err := c.venueReady(i); err != nil {
			return c.fault(fmt.Errorf("venue %d (%s): %w", i+1, c.Venue[i].Name, err))
		}
	}
	if err := c.clientsReady(); err != nil {
		return c.fault(err)
	}
	return nil
}

// takesAll is the sink of what is built to see whether it can be.
func takesAll(*event.Event) bool { return true }

func (c *Config) venueReady(i int) error {
	s := &c.Venue[i]
	if err := c.feedReady(i); err != nil {
		return keyed("feed", err)
	}
	if err := c.ordersReady(i); err != nil {
		return keyed("orders", err)
	}
	if s.DropCopy == nil {
		return nil
	}
	cfg, err := c.dropCopy(i, takesAll)
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		return keyed("drop_copy", err)
	}
	return nil
}

func (c *Config) feedReady(i int) error {
	s, v := &c.Venue[i], &c.Router.Venues[i]
	switch s.Feed.Protocol {
	case "itch":
		cfg, err := c.itchFeed(s, v, takesAll)
		if err != nil {
			return err
		}
		return cfg.Check()
	case "fix":
		cfg, err := c.fixFeed(s, v, takesAll)
		if err != nil {
			return err
		}
		return cfg.Check()
	}
	p := webSocketProtocol(s.Feed.Protocol)
	if p == nil {
		return nil
	}
	cfg, decoder, err := c.webSocket(p, s, v, takesAll)
	if err != nil {
		return err
	}
	_, err = jsonws.NewFeed(cfg, decoder) // its first Work connects
	return err
}

func (c *Config) ordersReady(i int) error {
	s, v := &c.Venue[i], &c.Router.Venues[i]
	if version, ok := ouchVersions[s.Orders.Dialect]; ok {
		cfg, err := c.ouchGateway(s, v, version, takesAll)
		if err != nil {
			return err
		}
		return cfg.Check()
	}
	cfg, err := c.gateway(i, takesAll)
	if err != nil {
		return err
	}
	return cfg.Check()
}

func (c *Config) clientsReady() error {
	cfg, err := c.clients()
	if err == nil {
		err = c.complete(&cfg)
	}
	if err != nil {
		return err
	}
	cfg.Sink = takesAll
	if err := cfg.Check(); err != nil {
		section := "ems"
		switch text := err.Error(); {
		case strings.HasPrefix(text, "ems: session "):
			section = "ems.session"
		case strings.HasPrefix(text, "ems: drop copy "):
			section = "ems.drop_copy"
		}
		return keyed(section, err)
	}
	return nil
}

// saidKeys are the keys of what the packages of feeds and sessions call by their own names.
var saidKeys = []struct{ said, key string }{
	{"BeginString", "begin_string"}, {"SenderCompID", "sender_comp_id"}, {"TargetCompID", "target_comp_id"},
	{"SenderSubID", "sender_sub_id"}, {"HeartBtInt", "heartbeat"}, {"CertName", "cert_name"}, {"CertSPKI", "cert_spki"},
	{"TLS certificate", "tls_cert"}, {"TLS client CA", "tls_client_ca"}, {"throttle:", "throttle"}, {"capacity", "capacity"},
	{"self-trade", "self_trade"}, {"no account", "account"}, {"firm ", "account"}, {"line B", "interface_b"}, {"interface", "interface"},
	{"user, password", "user"}, {"Depth", "depth"}, {"Bands", "bands"},
}

// keyed puts the key that an error is about before it, as far as that is known.
func keyed(section string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: make the file, or correct its name", err)
	}
	text := err.Error()
	if rest, ok := strings.CutPrefix(text, "orders."); ok {
		return fmt.Errorf("%s.%s", section, rest) // or of the drop copy, which has the same keys
	}
	if strings.HasPrefix(text, section+".") {
		return err
	}
	if strings.Contains(text, "symbol ") {
		return fmt.Errorf("symbols: %s: %w", section, err)
	}
	for _, k := range saidKeys {
		if strings.Contains(text, k.said) {
			return fmt.Errorf("%s.%s: %w", section, k.key, err)
		}
	}
	return fmt.Errorf("%s: %w", section, err)
}

// plainText refuses control characters: they would end a field of FIX, the name of a file or a line of a log.
func (c *Config) plainText() error {
	var all map[string]any
	if _, err := toml.Decode(string(c.Raw), &all); err != nil {
		return c.fault(err)
	}
	if key := controlled("", all); key != "" {
		return c.fault(fmt.Errorf("%s has a control character in it: take it out", key))
	}
	return nil
}

// controlled returns the key of the first text below value with a control character, "" when there is none.
func controlled(key string, value any) string {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch v := value.(type) {
	case string:
		if strings.ContainsFunc(v, control) {
			return key
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if strings.ContainsFunc(name, control) {
				return key
			}
			if at := controlled(under(key, name), v[name]); at != "" {
				return at
			}
		}
	case []map[string]any:
		for i := range v {
			if at := controlled(fmt.Sprintf("%s %d:", key, i+1), v[i]); at != "" {
				return at
			}
		}
	case []any:
		for i := range v {
			if at := controlled(key, v[i]); at != "" {
				return at
			}
		}
	}
	return ""
}

// under is the key of name in the table key, which may be one of an array: "venue 2:".
func under(key, name string) string {
	switch {
	case key == "":
		return name
	case strings.HasSuffix(key, ":"):
		return key + " " + name
	}
	return key + "." + name
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$`)

// fileNames refuses names of venues that would lead out of the folder where a venue's files have its name.
func (c *Config) fileNames() error {
	for i := range c.Venue {
		if name := c.Venue[i].Name; !fileName.MatchString(name) {
			return c.fault(fmt.Errorf("venue %d: name %q is also that of files: 1 to 64 letters, digits and _ . - are possible, "+
				"and no . at the start", i+1, name))
		}
	}
	return nil
}
