package fix

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"penstock/internal/mutate"
)

// soh turns the readable form with | into wire bytes.
func soh(s string) []byte { return []byte(strings.ReplaceAll(s, "|", "\x01")) }

// readable is the inverse of soh.
func readable(b []byte) string { return strings.ReplaceAll(string(b), "\x01", "|") }

// wrap completes a body with header and trailer, the slow way.
func wrap(begin, body string) []byte {
	b := string(soh(body))
	if !strings.HasSuffix(b, "\x01") {
		b += "\x01"
	}
	m := fmt.Sprintf("8=%s\x019=%d\x01%s", begin, len(b), b)
	return fmt.Appendf([]byte(m), "10=%03d\x01", slowSum([]byte(m)))
}

func slowSum(b []byte) byte {
	var sum byte
	for _, c := range b {
		sum += c
	}
	return sum
}

// samples are synthetic messages of each kind that venues send, with right
// lengths and checksums.
var samples = []string{
	"8=FIXT.1.1|9=157|35=A|34=1|49=KEY|52=20261120-14:30:00.123|56=Coinbase|95=44|96=PiIySlg+Y51vGJdJNOS3hiiYcHT6hKeqzNxemwjzanY=|98=0|108=30|141=Y|553=KEY|554=pass|1137=9|8013=S|10=229|",
	"8=FIX.4.4|9=133|35=W|34=7|49=VENUE|52=20261120-14:30:00.123|56=SOR|262=r1|55=EUR/USD|268=2|269=0|270=1.0851|271=1000000|269=1|270=1.0853|271=2000000|10=073|",
	"8=FIX.4.4|9=143|35=X|34=8|49=VENUE|52=20261120-14:30:00.123|56=SOR|262=r1|268=2|279=1|269=0|55=EUR/USD|270=1.0851|271=500000|279=2|269=1|55=EUR/USD|270=1.0853|10=200|",
	"8=FIX.4.4|9=179|35=S|34=9|49=DLR|52=20261120-14:30:00.123|56=SOR|131=q1|117=Q77|537=1|55=EUR/USD|132=1.08510|133=1.08530|134=1000000|135=1000000|62=20261120-14:30:00.623|60=20261120-14:30:00.123|10=251|",
	"8=FIX.4.4|9=212|35=i|34=10|49=DLR|52=20261120-14:30:00.123|56=SOR|131=q1|117=M5|296=1|302=1|304=2|295=2|299=1|55=EUR/USD|132=1.08510|133=1.08530|134=1000000|135=1000000|299=2|55=EUR/USD|132=1.08505|133=1.08535|134=5000000|135=0|10=254|",
	"8=FIX.4.4|9=69|35=Z|34=11|49=DLR|52=20261120-14:30:00.123|56=SOR|131=q1|117=*|298=4|10=131|",
	"8=FIX.4.4|9=152|35=D|34=5|49=SOR|52=20261120-14:30:00.123|56=DLR|11=C100|15=EUR|38=1000000|40=D|44=1.08530|54=1|55=EUR/USD|59=4|60=20261120-14:30:00.123|117=Q77|131=q1|10=248|",
	"8=FIX.4.4|9=191|35=8|34=12|49=DLR|52=20261120-14:30:00.123|56=SOR|6=0|11=C100|14=0|17=E9|37=NONE|38=1000000|39=8|54=1|55=EUR/USD|58=last look: price moved|60=20261120-14:30:00.173|103=99|117=Q77|150=8|151=0|10=216|",
	"8=FIX.4.2|9=163|35=8|34=20|49=ATS|52=20261120-14:30:00.123|56=SOR|6=0|11=K1|14=0|17=F1|20=0|37=55|38=50000|39=0|54=1|55=ABC|150=0|151=50000|8002=0|8005=5|60=20261120-14:30:00.123|10=090|",
	"8=FIX.4.2|9=150|35=D|34=21|49=SOR|52=20261120-14:30:00.123|56=ATS|11=K1F|18=M|21=1|23=INV9|38=50000|40=2|44=10.05|54=1|55=ABC|59=3|60=20261120-14:30:00.123|110=10000|10=176|",
}

func TestFrameTakesWholeMessagesOnly(t *testing.T) {
	for _, s := range samples {
		b := soh(s)
		for n := range b {
			if got, err := Frame(b[:n]); got != 0 || err != nil {
				t.Fatalf("%d of %d bytes of %s: got %d, %v", n, len(b), s, got, err)
			}
		}
		if got, err := Frame(append(b, "8=FIX"...)); got != len(b) || err != nil {
			t.Errorf("%s: got %d, %v, want %d", s, got, err, len(b))
		}
	}
}

func TestFrameRefusesGarbledBytes(t *testing.T) {
	good := string(wrap("FIX.4.4", "35=0|34=1"))
	for _, tt := range []struct {
		name, in     string
		skip, offset int
	}{
		{"not FIX", "GET / HTTP/1.1\r\n", 16, 0},
		{"not FIX then FIX", "xx" + good, 2, 0},
		{"one wrong byte", "x", 1, 0},
		{"cut-off start is kept", "junk8=FI", 4, 0},
		{"no end of BeginString", "8=FIX.4.4.4.4.4.4.4.4.4.4", 25, 2},
		{"no BodyLength", "8=FIX.4.4\x0135=0\x01", 15, 10},
		{"empty BodyLength", "8=FIX.4.4\x019=\x01", 13, 12},
		{"zero BodyLength", "8=FIX.4.4\x019=0\x01", 14, 10},
		{"negative BodyLength", "8=FIX.4.4\x019=-5\x01", 15, 12},
		{"seven digits", "8=FIX.4.4\x019=1000000\x01", 20, 18},
		{"int overflow", "8=FIX.4.4\x019=9223372036854775807\x01", 32, 18},
		{"above the frame limit", "8=FIX.4.4\x019=065536\x01", 19, 10},
		{"length points nowhere", "8=FIX.4.4\x019=5\x0135=0\x0134=1\x0110=000\x01" + good, 31, 19},
		{"wrong checksum", strings.Replace(good, "34=1", "34=2", 1), len(good), len(good) - 7},
		{"checksum of letters", good[:len(good)-4] + "abc\x01", len(good), len(good) - 7},
	} {
		n, err := Frame([]byte(tt.in))
		var bad *FrameError
		if !errors.As(err, &bad) || n != tt.skip || bad.Offset != tt.offset {
			t.Errorf("%s: got skip %d, %v, want skip %d, offset %d", tt.name, n, err, tt.skip, tt.offset)
		}
	}
}

// slowFrame is the readable twin of Frame for its verdict on complete input.
func slowFrame(buf []byte) (n int, ok bool) {
	fields := strings.SplitAfterN(string(buf), "\x01", 3)
	if len(fields) < 3 || !strings.HasPrefix(fields[0], "8=") || !strings.HasPrefix(fields[1], "9=") ||
		len(fields[0]) > 2+maxBeginString+1 {
		return 0, false
	}
	text := strings.TrimSuffix(fields[1][2:], "\x01")
	length, err := strconv.ParseUint(text, 10, 32)
	if err != nil || len(text) > maxBodyDigits || length == 0 {
		return 0, false
	}
	end := len(fields[0]) + len(fields[1]) + int(length)
	if end+7 > len(buf) || end+7 > MaxFrame || buf[end-1] != SOH {
		return 0, false
	}
	return end + 7, string(buf[end:end+7]) == fmt.Sprintf("10=%03d\x01", slowSum(buf[:end]))
}

func FuzzFrame(tf *testing.F) {
	f := mutate.New(tf)
	for _, s := range samples {
		f.Add(soh(s))
	}
	f.Add([]byte("8=FIX.4.4\x019=9223372036854775807\x01"))
	f.Add([]byte("8=FIX.4.4\x019=5\x0135=0\x0110=1\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Frame(b)
		slow, ok := slowFrame(b)
		if ok != (n > 0 && err == nil) || ok && n != slow {
			t.Fatalf("Frame %d, %v; slow twin %d, %v", n, err, slow, ok)
		}
		if err != nil && (n < 1 || n > len(b)) {
			t.Fatalf("error %v must skip 1 to %d bytes, not %d", err, len(b), n)
		}
	})
}

func TestChecksumEqualsByteSum(t *testing.T) {
	b := make([]byte, 5000)
	for i := range b {
		b[i] = byte(255 - i%3)
	}
	for n := range b {
		if got, want := checksum(b[:n]), slowSum(b[:n]); got != want {
			t.Fatalf("%d bytes: got %d, want %d", n, got, want)
		}
	}
}
