package fix

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"penstock/internal/mutate"
)

func TestParseKeepsFieldsInWireOrder(t *testing.T) {
	var m Message
	for _, s := range samples {
		if err := m.Parse(soh(s)); err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		var b strings.Builder
		for i := range m.Len() {
			tag, value := m.Field(i)
			b.WriteString(strconv.Itoa(tag) + "=" + string(value) + "|")
		}
		if b.String() != s {
			t.Errorf("got  %s\nwant %s", b.String(), s)
		}
	}
}

func TestMessageReadsTypedValues(t *testing.T) {
	var m Message
	if err := m.Parse(soh(samples[6])); err != nil {
		t.Fatal(err)
	}
	if got := string(m.Type()); got != "D" {
		t.Errorf("type %q", got)
	}
	if v, err := m.Int(TagOrderQty); v != 1000000 || err != nil {
		t.Errorf("OrderQty %d, %v", v, err)
	}
	if v, err := m.Decimal(TagPrice, 5); v != 108530 || err != nil {
		t.Errorf("Price %d, %v", v, err)
	}
	if v, err := m.Time(TagTransactTime); v != 1795185000123000000 || err != nil {
		t.Errorf("TransactTime %d, %v", v, err)
	}
	for _, err := range []error{
		second2(m.Int(TagSymbol)), second2(m.Decimal(TagPrice, 2)), second2(m.Time(TagPrice)),
	} {
		var bad *FieldError
		if !errors.As(err, &bad) || bad.Reason != RejectFormat || bad.Offset <= 0 {
			t.Errorf("got %v, want a format error that says where", err)
		}
	}
	var bad *FieldError
	if _, err := m.Int(TagMinQty); !errors.As(err, &bad) || bad.Reason != RejectMissingTag {
		t.Errorf("missing tag: got %v", err)
	}
}

func second2[T any](_ T, err error) error { return err }

func TestDataFieldMayHoldSOH(t *testing.T) {
	frame := wrap("FIX.4.4", "35=A|34=1|95=5|96=a|10=|98=0")
	if n, err := Frame(frame); n != len(frame) || err != nil {
		t.Fatal(n, err)
	}
	var m Message
	if err := m.Parse(frame); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.Get(TagRawData); string(got) != "a\x0110=" {
		t.Errorf("RawData %q", got)
	}
	if got, ok := m.Get(TagEncryptMethod); !ok || string(got) != "0" {
		t.Errorf("the field behind the data is lost")
	}
}

func TestParseNamesTheBadField(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		tag        int
		reason     RejectReason
	}{
		{"empty value", "35=D|34=2|44=|55=X", 44, RejectNoValue},
		{"empty sequence number", "35=D|34=|55=X", 34, RejectNoValue},
		{"no equals sign", "35=D|34=2|garbage|55=X", 0, RejectInvalidTag},
		{"tag of letters", "35=D|34=2|x1=5|55=X", 0, RejectInvalidTag},
		{"tag with leading zero", "35=D|34=2|055=X", 0, RejectInvalidTag},
		{"tag of ten digits", "35=D|34=2|1234567890=X", 0, RejectInvalidTag},
		{"negative tag", "35=D|34=2|-5=X", 0, RejectInvalidTag},
		{"no tag", "35=D|34=2|=X", 0, RejectInvalidTag},
		{"sequence number twice", "35=D|34=2|34=3", 34, RejectDuplicate},
		{"message type twice", "35=D|34=2|35=F", 35, RejectDuplicate},
		{"message type not third", "34=2|35=D|55=X", 35, RejectOrder},
		{"data longer than the message", "35=A|34=1|95=500|96=a", 96, RejectFormat},
		{"data shorter than its value", "35=A|34=1|95=1|96=abc", 96, RejectFormat},
		{"negative data length", "35=A|34=1|212=-1|213=a", 212, RejectFormat},
		{"data length of letters", "35=A|34=1|354=x|355=a", 354, RejectFormat},
	} {
		var m Message
		err := m.Parse(wrap("FIX.4.4", tt.body))
		var bad *FieldError
		if !errors.As(err, &bad) || bad.Tag != tt.tag || bad.Reason != tt.reason {
			t.Errorf("%s: got %v, want tag %d: %v", tt.name, err, tt.tag, tt.reason)
		}
	}
	var m Message
	err := m.Parse(wrap("FIX.4.4", "35=D|"+strings.Repeat("55=X|", MaxFields)))
	if err == nil {
		t.Error("a message with too many fields was accepted")
	}
}

// slowFields is the readable twin of Parse for messages without data fields.
func slowFields(frame []byte) (fields []string, ok bool) {
	ok = bytes.HasSuffix(frame, []byte{SOH})
	once := map[int]bool{8: true, 9: true, 10: true, 34: true, 35: true, 43: true, 49: true, 52: true, 56: true}
	seen := map[int]bool{}
	for _, f := range strings.SplitAfter(string(frame), "\x01") {
		if f == "" {
			continue
		}
		tag, value, found := strings.Cut(strings.TrimSuffix(f, "\x01"), "=")
		n, err := strconv.ParseUint(tag, 10, 32)
		if !found || err != nil || tag[0] == '0' || len(tag) > 9 || value == "" ||
			!strings.HasSuffix(f, "\x01") {
			ok = false
			continue
		}
		if once[int(n)] && seen[int(n)] {
			ok = false
		}
		seen[int(n)] = true
		fields = append(fields, strings.TrimSuffix(f, "\x01"))
	}
	if n := len(fields); n < 4 || !strings.HasPrefix(fields[0], "8=") || !strings.HasPrefix(fields[1], "9=") ||
		!strings.HasPrefix(fields[2], "35=") || !strings.HasPrefix(fields[n-1], "10=") {
		ok = false
	}
	return fields, ok
}

func FuzzParse(tf *testing.F) {
	f := mutate.New(tf)
	for _, s := range samples {
		f.Add(soh(s))
	}
	f.Add(wrap("FIX.4.4", "35=D|34=|44="))
	f.Add(wrap("FIX.4.4", "35=A|34=1|95=5|96=a|10=|98=0"))
	f.Add(append([]byte{SOH}, wrap("FIX.4.4", "35=0|34=1")...)) // an error at byte 0, with tag 0 and reason 0
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		err := m.Parse(b)
		for i := range m.Len() {
			tag, value := m.Field(i)
			if tag < 1 || len(value) == 0 {
				t.Fatalf("field %d is %d=%q", i, tag, value)
			}
			if w := tag >> 6; w < len(lengthTags) && lengthTags[w]>>(tag&63)&1 != 0 {
				return // the twin does not know data fields
			}
		}
		m.Int(TagOrderQty)
		m.Decimal(TagPrice, 4)
		m.Time(TagSendingTime)
		want, ok := slowFields(b)
		if len(want) > MaxFields {
			return
		}
		if ok != (err == nil) || len(want) != m.Len() {
			t.Fatalf("%q: %v with %d fields, slow twin %v with %d", b, err, m.Len(), ok, len(want))
		}
		for i := range want {
			tag, value := m.Field(i)
			if want[i] != strconv.Itoa(tag)+"="+string(value) {
				t.Fatalf("field %d: %d=%q, slow twin %q", i, tag, value, want[i])
			}
		}
	})
}

func TestReadingDoesNotAllocate(t *testing.T) {
	b := soh(samples[7])
	var m Message
	n := testing.AllocsPerRun(100, func() {
		if _, err := Frame(b); err != nil {
			t.Fatal(err)
		}
		if err := m.Parse(b); err != nil {
			t.Fatal(err)
		}
		m.Int(TagOrderQty)
		m.Time(TagTransactTime)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
