package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCtl_C20_StartIsRefusedIfAnythingIsNotAsDeployed writes the manifest of a deployment,
// starts with it, and then changes each of its parts: every start is refused, and says what
// differs.
func TestCtl_C20_StartIsRefusedIfAnythingIsNotAsDeployed(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "penstock.toml"), filepath.Join(dir, "manifest.json")
	text := strings.Replace(goodConfig(), "[router]\n", "[router]\nmanifest = \"manifest.json\"\n", 1)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, text)
	start := func() error {
		t.Helper()
		cfg, err := LoadConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		return cfg.checkManifest()
	}
	if err := start(); err == nil || !strings.Contains(err.Error(), "penstock manifest") {
		t.Errorf("no manifest: %v", err)
	}
	if code, _, errs := penstock(t, "manifest", "-c", path, "-o", out); code != 0 {
		t.Fatal(errs)
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if code, said, errs := penstock(t, "check", "-c", path); code != 0 || !strings.Contains(said, "as deployed") {
		t.Errorf("check: %s%s", said, errs)
	}
	whole, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseManifest(whole)
	if err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(m *manifest){
		"version is": func(m *manifest) { m.Version = "0.0.1" }, "build is": func(m *manifest) { m.Build = m.Config },
		"configuration is": func(m *manifest) { m.Config = m.Build }, "policy table is none": func(m *manifest) { m.Table = m.Build },
		"parameter set is none": func(m *manifest) { m.Params = m.Build }, "journal format is": func(m *manifest) { m.JournalFormat = 1 },
		"volume curve of X is none": func(m *manifest) { m.Curves = map[string]string{"X": m.Build} },
	} {
		other := *m
		spoil(&other)
		write(out, string(other.text()))
		if err := start(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, bad := range []string{"", "{}", "null", string(whole) + "{}", strings.Replace(string(whole), `"build"`, `"BUILD"`, 1),
		strings.Replace(string(whole), "{\n", "{\n  \"version\": \"0\",\n", 1), strings.Replace(string(whole), `"table"`, `"tables"`, 1)} {
		write(out, bad)
		if err := start(); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	// A changed configuration is another deployment; the whole program refuses it by its code.
	write(out, string(whole))
	write(path, text+"\n# one comment more\n")
	if code, _, errs := penstock(t, "run", "-c", path); code != exitRefused || !strings.Contains(errs, "configuration is") {
		t.Errorf("run: code %d: %s", code, errs)
	}
}
