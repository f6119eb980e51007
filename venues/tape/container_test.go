package tape

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// records reads path as frames and returns "time data" lines.
func records(t *testing.T, path string) (got []string, err error) {
	t.Helper()
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := frames(f)
	for err == nil {
		var r Record
		if r, err = c.next(); err == nil {
			if r.Kind == HTTP {
				got = append(got, fmt.Sprintf("%d %s %s", r.Time, r.Conn, r.Data))
			} else {
				got = append(got, fmt.Sprintf("%d %s", r.Time, r.Data))
			}
		}
	}
	return got, err
}

func TestContainersYieldWhatWasReceived(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"stamped": {
			"1723161253937085768 {\"a\":1}\n1723161253937085769 {}\r\n",
			"1723161253937085768 {\"a\":1}|1723161253937085769 {}",
		},
		"stamped without last newline": {"1723161253937085768 {}", "1723161253937085768 {}"},
		"capture": {
			"wss://ws.kraken.com <-> 1618678132.36\nwss://ws.kraken.com <- 1618678132.8: {\"s\":1}\n" +
				"1618678132.83097: {\"b\":[1, 2]}\nhttps://x/y -> 1618678133.0: {\"h\":1}\n1618678134.5: []\n",
			"1618678132830970000 {\"b\":[1, 2]}|1618678133000000000 https://x/y {\"h\":1}|1618678134500000000 []",
		},
		"jsonl": {
			`{"t":"header","format":2}` + "\n" + `{"t":"http","ts":1.5,"url":"http://u","data":"x"}` + "\n" +
				`{"conn":"c","ts":1786309548.6290078,"t":"recv","data":"{\"q\":\"\\u0041\"}"}` + "\n",
			`1500000000 http://u x|1786309548629007800 {"q":"\u0041"}`,
		},
		"bare": {
			`{"channel":"status"}` + "\n" + `{"timestamp":"2026-08-24T22:21:57.5Z"}` + "\n" + `{"h":1}` + "\n",
			`1787610117500000000 {"channel":"status"}|` +
				`1787610117500000000 {"timestamp":"2026-08-24T22:21:57.5Z"}|1787610117500000000 {"h":1}`,
		},
	} {
		got, err := records(t, save(t, "a", []byte(c.content)))
		if strings.Join(got, "|") != c.want || err != io.EOF {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestBadLineSaysWhere(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"stamped": {"1723161253937085768 {}\nxx {}\n", "line 2: receive time \"xx\""},
		"alone":   {"1723161253937085768 {}\n1723161253937085769\n", "line 2: not a line"},
		"capture": {"1618678132.8: {}\n1618678132.8 {}\n", "line 2: not a line"},
		"jsonl":   {`{"t":"header"}` + "\n" + `{"t":"recv"}` + "\n", "line 2: recv or http line without ts or data"},
		"broken":  {`{"t":"header"}` + "\n" + `{"t":"re` + "\n", "line 2: not a line"},
		"bare":    {"{\"a\":1}\n{\"b\":1}\n", "line 2: no frame carries a time"},
	} {
		_, err := records(t, save(t, "a", []byte(c.content)))
		var at *Error
		if !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLengthsAddTheDay(t *testing.T) {
	message := []byte{0, 12, 'S', 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 'O'}
	path := save(t, "20191230.itch", append(append([]byte{}, message...), message[:5]...))
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := containLengths(f, &Feed{Offset: 5 * 3600 * nanosPerSecond})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.next()
	if err != nil || r.Time != 1577682000*nanosPerSecond+258 || len(r.Data) != 12 {
		t.Errorf("%d %v", r.Time, err)
	}
	if _, err := c.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut message: %v", err)
	}
}

func TestDateComesFromTheName(t *testing.T) {
	for name, want := range map[string]string{
		"20140508_quote.zip": "20140508", "quote-20140508.csv": "20140508",
		"201405081.csv": "", "2014-05-08": "", "x20140508": "20140508",
	} {
		if got := eightDigits(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if _, err := midnight("quotes.csv", ""); err == nil || !strings.Contains(err.Error(), "+date=") {
		t.Errorf("no date: %v", err)
	}
	if _, err := midnight("20141399.csv", ""); err == nil {
		t.Error("a month 13")
	}
}
