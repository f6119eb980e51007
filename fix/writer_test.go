package fix

import (
	"strings"
	"testing"
)

const sampleTime = 1795185000123000000 // 20261120-14:30:00.123

func TestWriterMakesTheSampleBytes(t *testing.T) {
	w := NewWriter("FIX.4.4")
	w.Begin("D")
	w.Int(TagMsgSeqNum, 5)
	w.Str(TagSenderCompID, "SOR")
	w.Time(TagSendingTime, sampleTime)
	w.Str(TagTargetCompID, "DLR")
	w.Bytes(TagClOrdID, []byte("C100"))
	w.Str(TagCurrency, "EUR")
	w.Uint(TagOrderQty, 1000000)
	w.Char(TagOrdType, 'D')
	w.Str(TagPrice, "1.08530")
	w.Char(TagSide, '1')
	w.Str(TagSymbol, "EUR/USD")
	w.Char(TagTimeInForce, '4')
	w.Time(TagTransactTime, sampleTime)
	w.Str(TagQuoteID, "Q77")
	w.Str(TagQuoteReqID, "q1")
	got, err := w.Finish()
	if err != nil || readable(got) != samples[6] {
		t.Errorf("got  %s, %v\nwant %s", readable(got), err, samples[6])
	}
}

func TestFinishMovesTheBodyForOddLengths(t *testing.T) {
	w := NewWriter("FIX.4.4")
	w.Begin("0") // an earlier message in the buffer must not suffer
	w.Finish()
	first := len(w.buf)
	for _, n := range []int{1, 50, 89, 90, 91, 500, 989, 990, 991, 9989, 9990, 60000} {
		w.buf = w.buf[:first]
		w.Begin("B")
		w.Str(TagText, strings.Repeat("x", n))
		got, err := w.Finish()
		want := wrap("FIX.4.4", "35=B|58="+strings.Repeat("x", n))
		if err != nil || string(got) != string(want) {
			t.Fatalf("%d: got %.60q…, %v, want %.60q…", n, got, err, want)
		}
		if got, err := Frame(w.buf); got != first || err != nil {
			t.Fatalf("%d: the message before is damaged: %d, %v", n, got, err)
		}
	}
}

func TestWriterRefusesValuesThatForgeFields(t *testing.T) {
	w := NewWriter("FIX.4.4")
	for name, bad := range map[string]func(){
		"SOH in text":   func() { w.Str(TagText, "hi\x0154=2") },
		"SOH in bytes":  func() { w.Bytes(TagText, []byte("\x01")) },
		"SOH as char":   func() { w.Char(TagSide, SOH) },
		"empty text":    func() { w.Str(TagText, "") },
		"empty bytes":   func() { w.Bytes(TagText, nil) },
		"empty data":    func() { w.Data(TagRawDataLength, TagRawData, nil) },
		"beyond limits": func() { w.Str(TagText, strings.Repeat("x", MaxFrame)) },
	} {
		w.Reset()
		w.Begin("D")
		bad()
		w.Str(TagSymbol, "X")
		if got, err := w.Finish(); err == nil || len(w.buf) != 0 {
			t.Errorf("%s: got %q, %v, and %d bytes left", name, got, err, len(w.buf))
		}
	}
}

func TestWritingDoesNotAllocate(t *testing.T) {
	w := NewWriter("FIX.4.4")
	ns := int64(sampleTime)
	if n := testing.AllocsPerRun(100, func() { w.Reset(); writeOrder(w, ns); ns += 1e6 }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// writeOrder writes a NewOrderSingle of about 190 bytes.
func writeOrder(w *Writer, ns int64) {
	w.Begin("D")
	w.Uint(TagMsgSeqNum, 12345)
	w.Str(TagSenderCompID, "PENSTOCK")
	w.Time(TagSendingTime, ns)
	w.Str(TagTargetCompID, "XLIT")
	w.Uint(TagClOrdID, 261120143000000123)
	w.Char(TagOrdType, '2')
	w.Char(TagSide, '1')
	w.Str(TagSymbol, "ACME")
	w.Char(TagTimeInForce, '3')
	w.Time(TagTransactTime, ns)
	w.Decimal(TagOrderQty, 300, 0)
	w.Decimal(TagPrice, 1002500, 4)
	w.Finish()
}
