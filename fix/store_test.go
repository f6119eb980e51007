package fix

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func openStore(t *testing.T, path string) *Store {
	t.Helper()
	s, err := OpenStore(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStoreKeepsExactNumbersOverACleanEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seq")
	store := openStore(t, path)
	s := loggedOn(t, store)
	for range 200 {
		s.Begin(sampleTime, "D").Str(TagSymbol, "X")
		s.Send()
	}
	s.Disconnected(sampleTime)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	store.Close()
	if out, in := openStore(t, path).Next(); out != 202 || in != 2 {
		t.Errorf("next out %d in %d, want 202 and 2", out, in)
	}
}

func TestStoreIsAheadAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seq")
	store := openStore(t, path)
	s := loggedOn(t, store)
	for i := range 200 {
		s.Begin(sampleTime, "D").Str(TagSymbol, "X")
		s.Send()
		text, err := os.ReadFile(path) // what a new process would find
		out, in, ok := parseStore(text)
		if err != nil || !ok || out <= uint64(i)+2 || out > uint64(i)+2+storeAhead+1 || in != 2 {
			t.Fatalf("after message %d: file has out %d in %d (%v, %v)", i+2, out, in, ok, err)
		}
	}
}

func TestDamagedStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	openStore(t, good).Close()
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"truncated":      string(text[:40]),
		"trailing bytes": string(text) + "x",
		"flipped digit":  strings.Replace(string(text), "1 in", "2 in", 1),
		"zero number":    strings.Replace(string(text), "1 in", "0 in", 1),
		"other text":     strings.Repeat("a", storeLen),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := OpenStore(path)
		if !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, %v, want ErrStore with the path", name, s, err)
		}
	}
}

func TestStoreBelongsToOneSession(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seq")
	openStore(t, path)
	if s, err := OpenStore(path); err == nil {
		s.Close()
		t.Error("a second session opened the file")
	}
	if _, err := OpenStore(filepath.Join(t.TempDir(), "none", "seq")); err == nil {
		t.Error("a missing folder is not reported")
	}
}
