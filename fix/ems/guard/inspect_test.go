package guard

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/quickfixgo/quickfix"

	"penstock/fix"
)

// framed adds BeginString, BodyLength and CheckSum to fields written with '|'.
func framed(fields string) []byte {
	body := strings.ReplaceAll(fields, "|", "\x01")
	msg := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(body), body)
	var sum byte
	for _, c := range []byte(msg) {
		sum += c
	}
	return fmt.Appendf(nil, "%s10=%03d\x01", msg, sum)
}

func TestInspect(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   Reason
	}{
		{"35=D|34=2|58=hello|", None},
		{"35=D|34=2|58=|", None}, // an empty text is for the session to reject
		{"35=D|34=2|95=3|96=abc|", None},
		{"35=D|34=2|58=a=b|", None},
		{"35=D|34=|", BadInteger},
		{"35=D|34=+2|", BadInteger},
		{"35=D|34= 2|", BadInteger},
		{"35=D|34=1234567890|", BadInteger},
		{"35=2|34=2|7=x|16=0|", BadInteger},
		{"35=D|34=2|95=4|96=abc|", DataLength},
		{"35=D|34=2|95=5|96=abc|58=x|", DataLength}, // data that would hold SOH
		{"35=D|34=2|95=3|58=abc|", DataLength},
		{"35=D|34=2|212=3|213=ab|", DataLength},
		{"35=D|34=2|93=1|89=ab|", DataLength},
		{"35=D|35=D|34=2|", Duplicate},
		{"35=D|34=2|43=N|43=Y|", Duplicate},
		{"35=D|34=2|10=000|", Duplicate},
		{"35=D|34=2|8=FIX.4.4|", Duplicate},
		{"35=D|34=2|abc|", Garbled},
		{"35=D|34=2|=abc|", Garbled},
		{"35=D|34=2|4x=abc|", Garbled},
		{"35=D|34=2|058=abc|", Garbled},
		{"35=D|34=2|-058=abc|", Garbled},
		{"35=D|34=2|-0=abc|", Garbled},
		{"35=D|34=2|1234567890=abc|", Garbled},
		{"35=D|34=2|-58=abc|0=x|123456=abc|", None}, // no tags: for the session to reject
		{"35=D|34=2||", Garbled},
		{"34=2|58=no type|", Garbled},
	} {
		var s summary
		if got := inspect(framed(c.fields), &s); got != c.want {
			t.Errorf("%s: %q, want %q", c.fields, got, c.want)
		}
	}
}

func TestInspectSummary(t *testing.T) {
	var s summary
	r := inspect(framed("35=A|49=EMS|56=PENSTOCK|34=1|98=0|108=30|141=Y|553=u|554=p|"), &s)
	if r != None || string(s.msgType) != "A" || string(s.sender) != "EMS" ||
		string(s.target) != "PENSTOCK" ||
		string(s.beginString) != "FIX.4.4" || s.heartBtInt != 30 || !s.resetSeqNum ||
		string(s.username) != "u" || string(s.password) != "p" {
		t.Errorf("%v %+v", r, s)
	}
	if inspect(framed("35=A|34=1|"), &s); s.heartBtInt != -1 || s.resetSeqNum {
		t.Errorf("%+v: the fields of the message before are still there", s)
	}
}

// slowInspect is the slow twin of inspect.
func slowInspect(msg []byte) Reason {
	seen, wantData, wantLen, msgType := map[int]bool{}, 0, 0, ""
	for _, part := range strings.Split(strings.TrimSuffix(string(msg), "\x01"), "\x01") {
		text, value, found := strings.Cut(part, "=")
		tag, err := strconv.Atoi(text)
		if !found || err != nil || text != strconv.Itoa(tag) || max(tag, -tag) > 999_999_999 {
			return Garbled
		}
		if wantData != 0 && (tag != wantData || len(value) != wantLen) {
			return DataLength
		}
		wantData = 0
		if seen[tag] && sessionTag(tag) {
			return Duplicate
		}
		seen[tag] = true
		if sessionInteger(tag) {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil || len(value) > integerDigits {
				return BadInteger
			}
			wantData, wantLen = dataTag(tag), int(n)
		}
		if tag == 35 {
			msgType = value
		}
	}
	if wantData != 0 || msgType == "" {
		return Garbled
	}
	return None
}

// FuzzWhatPassesDoesNotStopTheLibrary hands every message that the guard lets
// through to the library's parser and integer readers, which panic on what they do
// not expect, in goroutines that nobody can recover.
func FuzzWhatPassesDoesNotStopTheLibrary(f *testing.F) {
	for _, fields := range []string{"35=D|34=2|49=A|56=B|52=20261120-10:00:00|11=X|",
		"35=2|34=2|7=1|16=0|", "35=A|98=0|108=30|141=Y|", "35=n|34=1|212=3|213=abc|",
		"35=4|36=5|123=Y|", "35=D|957=1|958=x|959=1|960=2|",
		"35=0|0=x|-1=x|-34=5|999999999=x|"} {
		f.Add([]byte(strings.ReplaceAll(fields, "|", "\x01")))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		msg := framed(string(body))
		n, err := fix.Frame(msg)
		if err != nil || n != len(msg) {
			return
		}
		var s summary
		reason := inspect(msg, &s)
		if slow := slowInspect(msg); reason != slow {
			t.Fatalf("%q: %q, the slow reader says %q", msg, reason, slow)
		}
		if reason != None {
			return
		}
		m := quickfix.NewMessage()
		if quickfix.ParseMessage(m, bytes.NewBuffer(msg)) != nil {
			return
		}
		for _, part := range []*quickfix.FieldMap{&m.Header.FieldMap, &m.Body.FieldMap} {
			for _, tag := range []quickfix.Tag{7, 9, 16, 34, 36, 98, 108, 212, 369, 789} {
				part.GetInt(tag)
			}
			part.GetTime(52)
			part.GetBool(43)
		}
	})
}
