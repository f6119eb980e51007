package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"penstock/journal"
)

const manifestUsage = `usage: penstock manifest -c FILE [-o MANIFEST]

Writes what this program would run with: SHA-256 of the program itself, of the configuration,
the policy table, the parameter set and the volume curves, and the version of the journal's
format. Deploy it with them and name it in router.manifest: a start with anything else is
refused (78), so that no host trades with a stale build or the configuration of another day.
`

// manifest is what belongs together on every host of a deployment. Hashes are SHA-256 in hex.
type manifest struct {
	Version       string            `json:"version"`
	Build         string            `json:"build"`  // of the executable
	Config        string            `json:"config"` // of the configuration's bytes
	Table         string            `json:"table"`  // of the policy table; empty: the compiled-in one
	Params        string            `json:"params"` // of the parameter set; empty: none
	Curves        map[string]string `json:"curves"` // of volume curves, by symbol
	JournalFormat int               `json:"journal_format"`
}

// makeManifest looks at the running program and what a configuration names.
func makeManifest(cfg *Config) (*manifest, error) {
	build, err := buildHash()
	if err != nil {
		return nil, err
	}
	m := &manifest{Version: version, Build: hex.EncodeToString(build[:]), Config: sumText(cfg.Raw), Curves: map[string]string{},
		JournalFormat: journal.FormatVersion}
	for path, at := range map[string]*string{cfg.Policy.Table: &m.Table, cfg.Policy.Params: &m.Params} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(cfg.at(path))
		if err != nil {
			return nil, fmt.Errorf("%w: manifest: %w", errConfig, err)
		}
		*at = sumText(text)
	}
	curves, err := cfg.readCurves()
	if err != nil {
		return nil, err
	}
	for symbol, text := range curves {
		m.Curves[symbol] = sumText(text)
	}
	return m, nil
}

func sumText(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// text is the manifest as it is written; there is only one way.
func (m *manifest) text() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // strings and a number
	}
	return append(b, '\n')
}

// differs names everything in which what is there is not what was deployed.
func (m *manifest) differs(there *manifest) (all []string) {
	say := func(what, want, got string) {
		if want != got {
			all = append(all, fmt.Sprintf("%s is %s, the manifest says %s", what, orNone(got), orNone(want)))
		}
	}
	say("version", m.Version, there.Version)
	say("build", m.Build, there.Build)
	say("configuration", m.Config, there.Config)
	say("policy table", m.Table, there.Table)
	say("parameter set", m.Params, there.Params)
	say("journal format", fmt.Sprint(m.JournalFormat), fmt.Sprint(there.JournalFormat))
	symbols := map[string]bool{}
	for _, curves := range []map[string]string{m.Curves, there.Curves} {
		for symbol := range curves {
			symbols[symbol] = true
		}
	}
	for symbol := range symbols {
		say("volume curve of "+symbol, m.Curves[symbol], there.Curves[symbol])
	}
	return all
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// parseManifest reads what text wrote, byte for byte: a key twice, or in another case, is no
// manifest.
func parseManifest(b []byte) (*manifest, error) {
	m := new(manifest)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, plain(err)
	}
	if !bytes.Equal(m.text(), b) {
		return nil, fmt.Errorf("it is not as penstock manifest writes it")
	}
	return m, nil
}

// checkManifest compares a deployment with its manifest, if the configuration names one.
func (c *Config) checkManifest() error {
	if c.file.Router.Manifest == "" {
		return nil
	}
	path := c.at(c.file.Router.Manifest)
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("router.manifest: %w: make one with penstock manifest", err)
	}
	want, err := parseManifest(b)
	if err != nil {
		return fmt.Errorf("router.manifest %s: %w", path, err)
	}
	there, err := makeManifest(c)
	if err != nil {
		return err
	}
	if all := want.differs(there); len(all) > 0 {
		return fmt.Errorf("router.manifest %s: this is not what was deployed: %q", path, all)
	}
	return nil
}

func writeManifest(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("manifest", flag.ContinueOnError)
	out := flags.String("o", "", "")
	cfg, err := configFlags(flags, manifestUsage, args, stderr)
	if err != nil {
		return err
	}
	m, err := makeManifest(cfg)
	if err != nil {
		return err
	}
	if *out == "" {
		_, err = stdout.Write(m.text())
		return err
	}
	return os.WriteFile(*out, m.text(), 0o600)
}
