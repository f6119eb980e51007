package guard

import (
	"bytes"
	"fmt"
	"regexp"
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
		{"35=2|34=2|7=x|16=0|", None}, // for the library to reject
		{"35=2|34=2|7=1|16=-|", None},
		{"35=0|34=2|7=x|16=0|", BadInteger},
		{"35=2|34=2|7=-1|16=0|", BadInteger},
		{"35=2|34=2|7=|16=0|", BadInteger},
		{"35=4|34=2|36=-5|", None},
		{"35=4|34=2|36=x|", BadInteger},
		{"35=4|34=2|36=-1234567890|", BadInteger},
		{"35=D|34=2|95=5|96=a|b=c|", None},
		{"35=D|34=2|95=5|96=ab|34|", None},
		{"35=D|34=2|354=6|355=a|35=x|58=x|", None}, // not a second MsgType
		{"35=0|34=2|212=5|213=a|b=c|", None},
		{"35=0|34=2|95=6|96=a|34=|", DataLength}, // its last byte would be another field's
		{"35=D|34=2|93=2|89=||", None},
		{"35=D|34=2|95=13|96=a|10=123|", Duplicate},
		{"35=D|34=2|95=4|96=abc|", None},      // for package ems to reject
		{"35=D|34=2|95=5|96=abc|58=x|", None}, // SOH would be data
		{"35=D|34=2|95=9|96=a|b=c|58=x|", None},
		{"35=D|34=2|95=x|96=abc|", None},
		{"35=D|34=2|95=|96=abc|", BadInteger},
		{"35=D|34=2|95=9|96=a|34=7|", Duplicate},
		{"35=0|34=2|95=4|96=abc|", DataLength},
		{"35=0|34=2|95=9|96=a|b=c|58=x|", DataLength},
		{"35=0|34=2|95=x|96=abc|", BadInteger},
		{"35=D|34=2|95=3|58=abc|", DataLength},
		{"35=D|34=2|95=3|96=abc|95=3|96=abc|", None}, // in the entries of a group
		{"35=D|34=2|212=3|213=abc|212=3|213=abc|", Duplicate},
		{"35=D|34=2|212=3|213=ab|", DataLength},
		{"35=0|34=2|93=1|89=ab|", DataLength},
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
		msg := framed(c.fields)
		if got := inspect(msg, &s); got != c.want {
			t.Errorf("%s: %q, want %q", c.fields, got, c.want)
		}
		if n, err := fix.Frame(msg); c.want == None && (n != len(msg) || err != nil) {
			t.Errorf("%s: passed on as %q: %v", c.fields, msg, err)
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

// TestInspectNamesTheTag: who is cut must be able to find out for what.
func TestInspectNamesTheTag(t *testing.T) {
	for fields, want := range map[string]int{"35=0|34=2|36=x|": 36, "35=0|34=2|95=4|96=abc|": 95, "35=0|34=2|93=4|58=abc|": 93,
		"35=0|34=2|43=N|43=Y|": 43, "35=0|34=2|": 0} {
		var s summary
		if inspect(framed(fields), &s); s.tag != want {
			t.Errorf("%s: tag %d, want %d", fields, s.tag, want)
		}
	}
	l := link{tag: 36, session: &Session{SenderCompID: "P", TargetCompID: "D"}}
	if got, want := l.about(), ", tag 36 (session P->D)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// fieldStart is one field as the slow twin sees it.
var fieldStart = regexp.MustCompile("^(0|-?[1-9][0-9]{0,8})=([^\x01]*)\x01")

// slowData is the slow twin of dataEnd and looseEnd: rest begins with the data.
func slowData(rest string, length int, loose bool) (data string, ok bool) {
	if length >= 0 && len(rest)-length > len("|10=000|")-1 && rest[length] == fix.SOH {
		return rest[:length], true
	}
	for i := range len(rest) {
		if loose && rest[i] == fix.SOH && fieldStart.MatchString(rest[i+1:]) {
			return rest[:i], true
		}
	}
	return "", false
}

// slowInspect is the slow twin of inspect.
func slowInspect(msg []byte) Reason {
	seen, length, wantLen, msgType := map[int]bool{}, 0, 0, ""
	for text := string(msg); text != ""; {
		m := fieldStart.FindStringSubmatch(text)
		if m == nil {
			return Garbled
		}
		tag, _ := strconv.Atoi(m[1])
		value, ours := m[2], msgType != "" && !regexp.MustCompile("^[0-5A]$").MatchString(msgType)
		if length != 0 {
			data, ok := slowData(text[len(m[1])+1:], wantLen, ours && tag != 213)
			if !ok || tag != dataTag(length) {
				return DataLength
			}
			value = data
		}
		text = text[len(m[1])+1+len(value)+1:]
		length = 0
		if seen[tag] && sessionTag(tag) {
			return Duplicate
		}
		seen[tag] = true
		if sessionInteger(tag) {
			n, err := strconv.ParseUint(value, 10, 64)
			isInt := regexp.MustCompile("^-?[0-9]+$").MatchString(value)
			rejected := value != "" && (dataTag(tag) != 0 && tag != 212 && ours || (tag == 7 || tag == 16) && msgType == "2" && !isInt ||
				tag == 36 && msgType == "4" && regexp.MustCompile("^-[0-9]{1,9}$").MatchString(value))
			if (err != nil || len(value) > integerDigits) && !rejected {
				return BadInteger
			}
			wantLen = 0
			if err == nil && len(value) <= integerDigits {
				wantLen = int(n)
			}
			if dataTag(tag) != 0 {
				length = tag
			}
		}
		if tag == 35 {
			msgType = value
		}
	}
	if length != 0 || msgType == "" {
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
		"35=0|0=x|-1=x|-34=5|999999999=x|", "35=D|354=6|355=a|35=x|58=x|", "35=D|95=9|96=a|b=c|58=x|",
		"35=0|212=5|213=a|b=c|", "35=2|7=x|16=-|", "35=4|36=-5|", "35=D|95=x|96=a|b|"} {
		f.Add([]byte(strings.ReplaceAll(fields, "|", "\x01")))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		msg := framed(string(body))
		n, err := fix.Frame(msg)
		if err != nil || n != len(msg) {
			return
		}
		var s summary
		slow := slowInspect(msg) // before inspect changes it
		if reason := inspect(msg, &s); reason != slow {
			t.Fatalf("%q: %q, the slow reader says %q", msg, reason, slow)
		}
		if slow != None {
			return
		}
		if n, err := fix.Frame(msg); err != nil || n != len(msg) {
			t.Fatalf("passed on as %q: %v", msg, err)
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
