package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/internal/testdata"
)

func verifyOutput(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = Main(append([]string{"replay", "--verify"}, args...), &o, &e)
	return code, o.String(), e.String()
}

func TestVerifyUsage(t *testing.T) {
	for _, args := range [][]string{{"--parent", "BUY 1 BTC-USDT SWEEP"}, {"--speed", "1"}, {"--with-simulated", "dark"},
		{"--journal", "x"}, {"more"}} {
		if code, _, errs := verifyOutput(t, args...); code != exitUsage || !strings.Contains(errs, "usage:") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
	t.Setenv("PENSTOCK_DATA", filepath.Join(t.TempDir(), "nowhere"))
	if code, _, errs := verifyOutput(t); code != exitUsage || !strings.Contains(errs, "PENSTOCK_DATA") {
		t.Errorf("no data: %d %s", code, errs)
	}
}

// A folder with one good recording, one that is cut and files that are none.
func TestVerifyNamesEveryFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PENSTOCK_DATA", dir)
	good := "1000,1.39001,1.39002\n2000,1.39001,1.39003\n"
	for name, content := range map[string]string{
		"README.md": "x", "strange.bin": "x", "us-equities/minute/ibm/20131008_trade.zip": "x",
		"fx-dealers/oanda/eurusd/20140507_quote.zip": good,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The name says zip, the content is not.
	code, out, errs := verifyOutput(t)
	if code != exitFailed || !strings.Contains(out, "FAILED: fx-dealers/oanda/eurusd/20140507_quote.zip") ||
		!strings.Contains(errs, "1 of 4 recordings failed") {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
	for _, line := range []string{"not market data: text:\n  README.md", "bars of a minute:\n  us-equities/minute",
		"name its format with --feed:\n  strange.bin"} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	path := filepath.Join(dir, "20140507.csv")
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ = verifyOutput(t, "--json", "--feed", "OANDA=dealer-csv:"+path)
	var rows []verifyRow
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 || len(rows) != 1 || rows[0].Messages != 2 ||
		rows[0].Books != 1 {
		t.Errorf("%d %v %s", code, err, out)
	}
}

func TestVerifyPrintsTypes(t *testing.T) {
	path := filepath.Join(testdata.Dir(t), "itch", "nasdaq_itch50_first1000.itch")
	code, out, _ := verifyOutput(t, "-v", "--feed", "XNAS=itch+date=20191230:"+path)
	if code != 0 || !strings.Contains(out, "types: H 3 R 993 S 1 Y 3") {
		t.Errorf("%d %s", code, out)
	}
}

// Two quotes a second apart take a second at recorded speed, a tenth at ten times it.
func TestReplaySpeed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "20140507.csv")
	if err := os.WriteFile(path, []byte("1000,1.39001,1.39002\n2000,1.39001,1.39003\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	start := time.Now()
	if code := Main([]string{"replay", "--speed", "4", "--feed", "A=dealer-csv:" + path}, &out, &errs); code != 0 {
		t.Fatalf("%s", errs.String())
	}
	if took := time.Since(start); took < 240*time.Millisecond {
		t.Errorf("a second of quotes at four times its speed took %v", took)
	}
	for _, speed := range []string{"-1", "x", "1e9"} {
		if code := Main([]string{"replay", "--speed", speed}, &out, &errs); code != exitUsage {
			t.Errorf("--speed %s: %d", speed, code)
		}
	}
}

// TestAReplayOfNothingEnds: a recording of which nothing could be used is over at once, and is trouble.
func TestAReplayOfNothingEnds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.itch")
	if err := os.WriteFile(path, []byte("abcde"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if code, out, _ := penstock(t, "replay", "--feed", "X=itch+instrument=AAPL+date=20120621:"+path); code != 1 ||
			!strings.Contains(out, "TROUBLE") {
			t.Errorf("exit code %d: %s", code, out)
		}
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on and on")
	}
}

// TestSeedsAreBounded: each one's outcome is kept.
func TestSeedsAreBounded(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{"5": true, "1-1000000": true, "1-1000001": false, "0-281474976710655": false, "9-5": false, "x": false} {
		if _, _, err := parseSeeds(text); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
