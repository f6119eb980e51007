package main

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"strings"
	"time"

	"penstock/event"
	"penstock/fix/ems"
	"penstock/fix/ems/guard"
	"penstock/router"
)

type emsSection struct {
	Listen          string       `toml:"listen"`
	QuickfixCfg     string       `toml:"quickfix_cfg"`
	DefaultStrategy int          `toml:"default_strategy"`
	TLSCert         string       `toml:"tls_cert"`
	TLSKey          string       `toml:"tls_key"`
	TLSClientCA     string       `toml:"tls_client_ca"`
	Allow           []string     `toml:"allow"`
	OnDisconnect    string       `toml:"on_disconnect,omitempty"` // of sessions that do not say it
	CancelAfter     duration     `toml:"cancel_after,omitempty"`
	Session         []emsSession `toml:"session"`
	DropCopy        []emsSession `toml:"drop_copy,omitempty"`
	emsLimits
}

// emsLimits bound what clients can cost; what is left out has its default.
type emsLimits struct {
	MaxConnections      int      `toml:"max_connections,omitzero"`
	MaxConnectionsPerIP int      `toml:"max_connections_per_ip,omitzero"`
	FirstMessage        duration `toml:"first_message,omitzero"`
	HeartBeatMin        int      `toml:"heartbeat_min,omitzero"` // seconds
	HeartBeatMax        int      `toml:"heartbeat_max,omitzero"`
	SlowAfter           duration `toml:"slow_after,omitzero"`
	Clock               duration `toml:"clock,omitzero"`
}

// emsSession is a client's session, or that of somebody who gets a copy of every report.
type emsSession struct {
	SenderCompID string   `toml:"sender_comp_id"` // ours
	TargetCompID string   `toml:"target_comp_id"` // the client's
	BeginString  string   `toml:"begin_string,omitempty"`
	Username     string   `toml:"username,omitempty"`
	PasswordFile string   `toml:"password_file,omitempty"`
	CertSPKI     string   `toml:"cert_spki,omitempty"` // hex SHA-256
	CertName     string   `toml:"cert_name,omitempty"`
	Allow        []string `toml:"allow,omitempty"`
	AllowReset   bool     `toml:"allow_reset,omitempty"`
	OnDisconnect string   `toml:"on_disconnect,omitempty"`
	CancelAfter  duration `toml:"cancel_after,omitempty"`
}

func (e *emsSection) validate() error {
	if (e.Listen == "") == (e.QuickfixCfg == "") {
		return errors.New("set either listen with [[ems.session]] entries, or quickfix_cfg")
	}
	switch s := event.Strategy(e.DefaultStrategy); {
	case e.Listen != "" && len(e.Session) == 0:
		return errors.New("name at least one [[ems.session]]")
	case s != 0 && !s.Valid():
		return fmt.Errorf("default_strategy %d is none of the strategies, nor 0", s)
	case (e.TLSCert == "") != (e.TLSKey == "") || e.TLSClientCA != "" && e.TLSCert == "":
		return errors.New("TLS needs both tls_cert and tls_key")
	}
	if err := e.emsLimits.validate(); err != nil {
		return err
	}
	if e.Listen == "" {
		return nil
	}
	return validAddress("listen", e.Listen)
}

func (l *emsLimits) validate() error {
	for _, k := range []struct {
		key  string
		n    int64
		most int64
	}{
		{"max_connections", int64(l.MaxConnections), 10_000}, {"max_connections_per_ip", int64(l.MaxConnectionsPerIP), 10_000},
		{"first_message", int64(l.FirstMessage), int64(time.Hour)}, {"heartbeat_min", int64(l.HeartBeatMin), 3600},
		{"heartbeat_max", int64(l.HeartBeatMax), 3600}, {"slow_after", int64(l.SlowAfter), int64(time.Hour)},
		{"clock", int64(l.Clock), int64(24 * time.Hour)},
	} {
		if k.n < 0 || k.n > k.most {
			return fmt.Errorf("%s is %d: it must be positive, and %d at most", k.key, k.n, k.most)
		}
	}
	if most := cmp.Or(l.HeartBeatMax, guard.DefaultHeartBtMax); cmp.Or(l.HeartBeatMin, guard.DefaultHeartBtMin) > most {
		return fmt.Errorf("heartbeat_min is above heartbeat_max, %d", most)
	}
	return nil
}

// acceptor reads the EMS part of the configuration: which sessions there are and on which
// terms. Those of a QuickFIX file come later: a journal is run again without it.
func (c *Config) acceptor() (cfg ems.Config, err error) {
	e := &c.EMS
	cfg = ems.Config{Listen: e.Listen, TLSCert: c.at(e.TLSCert), TLSKey: c.at(e.TLSKey),
		TLSClientCA: c.at(e.TLSClientCA), DefaultStrategy: event.Strategy(e.DefaultStrategy),
		Limits: guard.Limits{Clients: e.MaxConnections, PerIP: e.MaxConnectionsPerIP, FirstFrame: time.Duration(e.FirstMessage),
			HeartBtMin: e.HeartBeatMin, HeartBtMax: e.HeartBeatMax, Patience: time.Duration(e.SlowAfter),
			Clock: time.Duration(e.Clock)}}
	if cfg.Allow, err = prefixes(e.Allow); err != nil {
		return cfg, fmt.Errorf("allow: %w", err)
	}
	for i := range e.Session {
		s, err := e.Session[i].session()
		if err != nil {
			return cfg, fmt.Errorf("session %d (%s): %w", i+1, e.Session[i].TargetCompID, err)
		}
		cfg.Sessions = append(cfg.Sessions, s)
	}
	for i := range e.DropCopy {
		s, err := e.DropCopy[i].session()
		if err == nil && (e.DropCopy[i].OnDisconnect != "" || e.DropCopy[i].CancelAfter != 0) {
			err = errors.New("who gets copies has no orders: leave on_disconnect and cancel_after out")
		}
		if err != nil {
			return cfg, fmt.Errorf("drop_copy %d (%s): %w", i+1, e.DropCopy[i].TargetCompID, err)
		}
		cfg.DropCopies = append(cfg.DropCopies, s)
	}
	return cfg, nil
}

// maxQuickfixSessions bounds the sessions of a QuickFIX file; what becomes of their orders is
// the same for all, so that a journal can be run again without the file.
const maxQuickfixSessions = 64

// readQuickfix adds the sessions of the QuickFIX file, if there is one.
func (c *Config) readQuickfix(cfg *ems.Config) error {
	path := c.at(c.EMS.QuickfixCfg)
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("ems.quickfix_cfg: %w: make it, or correct its name", err)
	}
	defer f.Close()
	if err := ems.ReadCfg(f, path, cfg); err != nil {
		return fmt.Errorf("ems.quickfix_cfg: %w", err)
	}
	if len(cfg.Sessions) > maxQuickfixSessions {
		return fmt.Errorf("ems.quickfix_cfg: %d sessions, at most %d", len(cfg.Sessions), maxQuickfixSessions)
	}
	return nil
}

func prefixes(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%w: write it as 192.0.2.0/24", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// session turns what is written into a session, without its password.
func (s *emsSession) session() (out ems.Session, err error) {
	out.Session = guard.Session{BeginString: s.BeginString, SenderCompID: s.SenderCompID, TargetCompID: s.TargetCompID,
		AllowReset: s.AllowReset, Username: s.Username, CertName: s.CertName}
	if out.CertSPKI, err = hex.DecodeString(s.CertSPKI); err != nil || len(out.CertSPKI) != 0 && len(out.CertSPKI) != 32 {
		return out, errors.New("cert_spki is not the SHA-256 of a public key: 64 hex digits")
	}
	out.Session.Allow, err = prefixes(s.Allow)
	if err != nil {
		return out, fmt.Errorf("allow: %w", err)
	}
	return out, nil
}

// passwords reads the files that hold them. Nobody else may be able to read those.
func (c *Config) passwords(cfg *ems.Config) error {
	read := func(what string, from []emsSession, to []ems.Session) error {
		for i := range from {
			if from[i].PasswordFile == "" {
				continue
			}
			path, of := c.at(from[i].PasswordFile), fmt.Sprintf("ems: %s %d (%s): password_file", what, i+1, from[i].TargetCompID)
			info, err := os.Stat(path)
			if err != nil {
				return fmt.Errorf("%s: %w: make it, or correct its name", of, err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				return fmt.Errorf("%s %s can be read by others: chmod 600 it", of, path)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("%s: %w", of, err)
			}
			if to[i].Password = strings.TrimRight(string(text), "\r\n"); to[i].Password == "" {
				return fmt.Errorf("%s %s is empty: write the password into it", of, path)
			}
		}
		return nil
	}
	return errors.Join(read("session", c.EMS.Session, cfg.Sessions), read("drop_copy", c.EMS.DropCopy, cfg.DropCopies))
}

// clientPolicies says of each session what becomes of its orders when it is down. There is no
// default: who configures a client must have thought of it.
func (c *Config) clientPolicies(sessions []ems.Session) (all []router.ClientPolicy, err error) {
	if c.EMS.QuickfixCfg != "" {
		sessions = make([]ems.Session, maxQuickfixSessions)
	}
	for i := range sessions {
		act, after := c.EMS.OnDisconnect, c.EMS.CancelAfter
		if i < len(c.EMS.Session) && c.EMS.Session[i].OnDisconnect != "" {
			act, after = c.EMS.Session[i].OnDisconnect, c.EMS.Session[i].CancelAfter
		} else if i < len(c.EMS.Session) && c.EMS.Session[i].CancelAfter != 0 {
			return nil, fmt.Errorf("session %s: cancel_after without on_disconnect: say on_disconnect = \"cancel\" there as well",
				sessions[i].TargetCompID)
		}
		switch {
		case act == "keep" && after == 0:
			all = append(all, router.ClientPolicy{CancelAfter: router.Keep})
		case act == "cancel" && after > 0 && after < math.MaxInt64/2:
			all = append(all, router.ClientPolicy{CancelAfter: int64(after)})
		case act == "cancel":
			return nil, fmt.Errorf("session %s: on_disconnect = \"cancel\" needs cancel_after, like \"30s\"", sessions[i].TargetCompID)
		case act == "keep":
			return nil, fmt.Errorf("session %s: on_disconnect = \"keep\" has no cancel_after", sessions[i].TargetCompID)
		default:
			return nil, fmt.Errorf("session %s: on_disconnect must say what becomes of its orders when it is down: \"keep\", or "+
				"\"cancel\" with cancel_after", sessions[i].TargetCompID)
		}
	}
	return all, nil
}
