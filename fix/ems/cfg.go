package ems

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/quickfixgo/quickfix/config"

	"penstock/fix/ems/guard"
)

// cfgKeys are the settings of a QuickFIX file that this program understands.
// What is passed goes to the session as it is; a fixed value may only be said.
var cfgKeys = map[string]struct {
	pass  bool
	fixed string
}{
	"ConnectionType":             {fixed: "acceptor"},
	config.BeginString:           {},
	config.SenderCompID:          {},
	config.TargetCompID:          {},
	config.SocketAcceptHost:      {},
	config.SocketAcceptPort:      {},
	config.FileStorePath:         {},
	config.FileLogPath:           {},
	config.SocketPrivateKeyFile:  {},
	config.SocketCertificateFile: {},
	config.SocketCAFile:          {},

	config.DynamicSessions:   {fixed: "N"},
	config.UseTCPProxy:       {fixed: "N"},
	config.PersistMessages:   {fixed: "Y"},
	config.ResetOnLogon:      {fixed: "N"}, // would lose reports not yet received
	config.ResetOnLogout:     {fixed: "N"},
	config.ResetOnDisconnect: {fixed: "N"},
	"UseDataDictionary":      {fixed: "N"}, // messages are checked here

	config.StartTime:                    {pass: true},
	config.EndTime:                      {pass: true},
	config.StartDay:                     {pass: true},
	config.EndDay:                       {pass: true},
	config.Weekdays:                     {pass: true},
	config.TimeZone:                     {pass: true},
	config.TimeStampPrecision:           {pass: true},
	config.CheckLatency:                 {pass: true},
	config.MaxLatency:                   {pass: true},
	config.ResendRequestChunkSize:       {pass: true},
	config.EnableLastMsgSeqNumProcessed: {pass: true},
}

// ReadCfg fills listener, folders, TLS files and sessions of c from a QuickFIX
// .cfg file; name is for errors. Sessions keep their order in the file. A setting
// that this program would not honour is an error.
func ReadCfg(r io.Reader, name string, c *Config) error {
	defaults := map[string]string{}
	var sections []map[string]string
	var lines []int // where each section begins
	current := map[string]string(nil)
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		switch {
		case line == "" || line[0] == '#':
		case strings.EqualFold(line, "[DEFAULT]"):
			current = defaults
		case strings.EqualFold(line, "[SESSION]"):
			current = map[string]string{}
			sections, lines = append(sections, current), append(lines, n)
		default:
			if err := cfgLine(line, current); err != nil {
				return fmt.Errorf("%s:%d: %w", name, n, err)
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(sections) == 0 {
		return fmt.Errorf("%s: no [SESSION]", name)
	}
	for i, section := range sections {
		for key, value := range defaults {
			if _, ok := section[key]; !ok {
				section[key] = value
			}
		}
		if err := cfgSession(section, c); err != nil {
			return fmt.Errorf("%s:%d: %w", name, lines[i], err)
		}
	}
	return nil
}

func cfgLine(line string, section map[string]string) error {
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	rule, known := cfgKeys[key]
	_, twice := section[key]
	switch {
	case !ok:
		return fmt.Errorf("%q is neither [SESSION], [DEFAULT] nor key=value", line)
	case section == nil:
		return fmt.Errorf("%s stands before [DEFAULT] or [SESSION]", key)
	case !known:
		return fmt.Errorf("setting %s is not supported here: remove it", key)
	case rule.fixed != "" && value != rule.fixed:
		return fmt.Errorf("%s=%s is not supported: only %s", key, value, rule.fixed)
	case twice:
		return fmt.Errorf("%s is set twice", key)
	}
	section[key] = value
	return nil
}

// cfgSession adds one session, and sets or compares what all sessions share.
func cfgSession(section map[string]string, c *Config) error {
	if section[config.SocketAcceptPort] == "" {
		return fmt.Errorf("%s is missing", config.SocketAcceptPort)
	}
	listen := net.JoinHostPort(section[config.SocketAcceptHost], section[config.SocketAcceptPort])
	for _, shared := range []struct {
		key   string
		field *string
		value string
	}{
		{config.SocketAcceptPort, &c.Listen, listen},
		{config.FileStorePath, &c.StoreDir, section[config.FileStorePath]},
		{config.FileLogPath, &c.LogDir, section[config.FileLogPath]},
		{config.SocketCertificateFile, &c.TLSCert, section[config.SocketCertificateFile]},
		{config.SocketPrivateKeyFile, &c.TLSKey, section[config.SocketPrivateKeyFile]},
		{config.SocketCAFile, &c.TLSClientCA, section[config.SocketCAFile]},
	} {
		if shared.value == "" {
			continue
		}
		if *shared.field != "" && *shared.field != shared.value {
			return fmt.Errorf("%s: %q here and %q elsewhere: all sessions share one", shared.key,
				shared.value, *shared.field)
		}
		*shared.field = shared.value
	}
	s := Session{Session: guard.Session{BeginString: section[config.BeginString],
		SenderCompID: section[config.SenderCompID], TargetCompID: section[config.TargetCompID]},
		Settings: map[string]string{}}
	for key, value := range section {
		if cfgKeys[key].pass {
			s.Settings[key] = value
		}
	}
	if err := s.validate(c); err != nil {
		return err
	}
	if slices.ContainsFunc(c.Sessions, func(o Session) bool { return o.id() == s.id() }) {
		return fmt.Errorf("session %s is there already", s.id())
	}
	c.Sessions = append(c.Sessions, s)
	return nil
}
