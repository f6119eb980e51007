package ems

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMaskHidesSecretsWhereverTheyStand(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"8=FIX.4.4\x0135=A\x01554=secret\x0110=000\x01", "8=FIX.4.4|35=A|554=***|10=000|"},
		{"554=secret", "554=***"},
		{"554=a|b\x01925=new\x0196=x\x011402=y\x01", "554=***|925=***|96=***|1402=***|"},
		{"1554=public\x0196=\x01", "1554=public|96=***|"},
		{`"35=A\x01554=secret\x0158=x"`, `"35=A\x01554=***\x0158=x"`},
		{"554=554=secret\x0158=554=x\x01", "554=***|58=554=***|"},
		{"a\r\nb\x1b\x7f\xff\t", `a\x0d\x0ab\x1b\x7f\xff\x09`},
	} {
		if got := string(appendPlain(nil, mask([]byte(c.text)))); got != c.want {
			t.Errorf("%q is logged as %s, want %s", c.text, got, c.want)
		}
	}
}

func FuzzLogLineIsOneLineOfText(f *testing.F) {
	f.Add("554=secret\n\x1b")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range appendPlain(nil, mask([]byte(text))) {
			if c < ' ' || c > '~' {
				t.Fatalf("byte %#x in the log", c)
			}
		}
	})
}

func TestLogRotates(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.fileMax = 1000
	for i := range 200 {
		l.message(int64(i), "in", "EMS1", []byte(strings.Repeat("x", 100)))
	}
	files, _ := filepath.Glob(filepath.Join(dir, "ems.log*"))
	if len(files) != logFilesKept+1 {
		t.Errorf("%d files, want %d", len(files), logFilesKept+1)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || info.Size() > 1000 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %d bytes, mode %v, %v", name, info.Size(), info.Mode(), err)
		}
	}
	if l.Failures() != 0 {
		t.Errorf("%d lines lost", l.Failures())
	}
}

func TestEventsAreLimitedByRate(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const second = 1e9
	for range 1000 {
		l.event(second, "-", "refused")
	}
	l.event(2*second, "-", "later")
	text, _ := os.ReadFile(filepath.Join(dir, "ems.log"))
	if n := strings.Count(string(text), "refused"); n != logEventsBurst {
		t.Errorf("%d events written, want %d", n, logEventsBurst)
	}
	for _, want := range []string{" 800 events not shown\n", " later\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

func TestClosedLogCountsWhatIsLost(t *testing.T) {
	l, err := OpenLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l.Eventf("too late")
	if l.Failures() != 1 {
		t.Errorf("%d failures counted, want 1", l.Failures())
	}
}
