package tape

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// lines is n lines of the stamped container, 10 µs apart.
func lines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%d {\"n\":%d,\"pad\":\"%x\"}\n", 1_700_000_000_000_000_000+i*10_000, i, i*i*7919)
	}
	return b.Bytes()
}

func pack(t *testing.T, kind string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch kind {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		w, _ = zstd.NewWriter(&b)
	case ".zip":
		z := zip.NewWriter(&b)
		f, err := z.Create("content.csv")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	default:
		return content
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func save(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readAll returns how many records path holds and how it ended.
func readAll(t *testing.T, path string) (n int, err error) {
	t.Helper()
	f, err := openFile(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	c, err := frames(f)
	for err == nil {
		if _, err = c.next(); err == nil {
			n++
		}
	}
	return n, err
}

func TestPackingIsToldByFirstBytes(t *testing.T) {
	content := lines(1000)
	for _, kind := range []string{".gz", ".zst", ".zip", ".txt"} {
		for _, name := range []string{"a" + kind, "noname"} {
			n, err := readAll(t, save(t, name, pack(t, kind, content)))
			if n != 1000 || err != io.EOF {
				t.Errorf("%s as %s: %d records, %v", kind, name, n, err)
			}
		}
	}
}

func TestCutRecordingKeepsWhatCameBefore(t *testing.T) {
	content := lines(20_000)
	for _, kind := range []string{".gz", ".zst"} {
		packed := pack(t, kind, content)
		n, err := readAll(t, save(t, "a"+kind, packed[:len(packed)*3/4]))
		var at *Error
		if !errors.As(err, &at) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%s: %v", kind, err)
		}
		if n < 1000 || n >= 20_000 || at.Line != int64(n)+1 {
			t.Errorf("%s: %d records, error at line %d", kind, n, at.Line)
		}
		if !strings.Contains(err.Error(), "cut short") || !strings.Contains(err.Error(), "a"+kind) {
			t.Errorf("%s: unclear: %v", kind, err)
		}
	}
}

func TestDamagedRecordingIsNamed(t *testing.T) {
	content := lines(20_000)
	for _, kind := range []string{".gz", ".zst", ".zip"} {
		packed := pack(t, kind, content)
		damaged := bytes.Clone(packed)
		for i := len(damaged) / 2; i < len(damaged)/2+64; i++ {
			damaged[i] ^= 0x5a
		}
		_, err := readAll(t, save(t, "a"+kind, damaged))
		var at *Error
		if !errors.As(err, &at) || !strings.Contains(at.Path, "a"+kind) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	packed := pack(t, ".zip", content)
	if _, err := readAll(t, save(t, "cut.zip", packed[:len(packed)-30])); !errors.Is(err, zip.ErrFormat) {
		t.Errorf("cut zip: %v", err)
	}
}

func TestUnusableFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		path string
		want error
	}{
		"missing": {filepath.Join(dir, "none.gz"), os.ErrNotExist},
		"empty":   {save(t, "a.gz", nil), ErrEmpty},
		"named":   {save(t, "a.zst", []byte("plain text")), ErrNotPacked},
		"foreign": {save(t, "a.txt", []byte("plain text\n")), ErrLine},
	} {
		if _, err := readAll(t, c.path); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readAll(t, dir); err == nil {
		t.Error("a folder was read")
	}
}

// FuzzFrames reads arbitrary bytes as any container of frames: it must end, with
// times that are not negative, and never panic.
func FuzzFrames(f *testing.F) {
	f.Add(lines(3))
	f.Add([]byte("wss://x <-> 1.5\n1618678132.83097: {\"a\":1}\n"))
	f.Add([]byte("{\"t\":\"recv\",\"ts\":1.25,\"data\":\"{}\"}\n"))
	f.Add([]byte("{\"timestamp\":\"2026-08-24T22:21:56.724795Z\"}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := openFile(path)
		if err != nil {
			return
		}
		defer r.Close()
		c, err := frames(r)
		for n := 0; err == nil; n++ {
			if n > len(content) {
				t.Fatal("more records than bytes")
			}
			_, err = c.next()
		}
	})
}
