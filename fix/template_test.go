package fix

import (
	"strings"
	"testing"
)

// loggedOn returns an initiator that is logged on and has an empty Out.
func loggedOn(t testing.TB, store *Store) *Session {
	t.Helper()
	s, err := NewSession(Config{
		BeginString: "FIX.4.4", SenderCompID: "SOR", TargetCompID: "XLIT", HeartBtIntSecs: 30,
		App: func(*Message, int64) bool { return true },
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	s.Connected(sampleTime)
	s.Receive(sampleTime, wrap("FIX.4.4", "35=A|34=1|49=XLIT|52=20261120-14:30:00.123|56=SOR|98=0|108=30"))
	if s.State() != Active {
		reason, _ := s.WantClose()
		t.Fatalf("not logged on: %s", reason)
	}
	s.Wrote(len(s.Out()))
	return s
}

func orderSpec(ids IDFormat, cancel bool) TemplateSpec {
	spec := TemplateSpec{
		MsgType: "D", Static: []Static{{40, "2"}, {54, "1"}, {55, "ACME"}, {59, "3"}},
		TransactTime: true, PriceDecimals: 4, QtyDecimals: 2, IDs: ids,
	}
	if cancel {
		spec.MsgType, spec.OrigID = "F", true
	}
	return spec
}

// slowTemplate sends through the plain Writer, whose bytes a template must equal.
func slowTemplate(s *Session, t *Template, now int64, v *Values) error {
	s.begin(now, t.spec.MsgType)
	t.Write(&s.w, now, v)
	return s.Send()
}

func TestTemplateWritesAnOrder(t *testing.T) {
	s := loggedOn(t, nil)
	tmpl, err := s.NewTemplate(orderSpec(IDDecimal, false))
	if err != nil {
		t.Fatal(err)
	}
	err = s.SendTemplate(tmpl, sampleTime+1e6, &Values{ID: 261120143000000001, Qty: 30000, Price: 100250,
		MinQty: 150, QuoteID: []byte("Q77")})
	want := wrap("FIX.4.4", "35=D|34=2|49=SOR|52=20261120-14:30:00.124|56=XLIT|11=261120143000000001|40=2|"+
		"54=1|55=ACME|59=3|60=20261120-14:30:00.124|38=300|44=10.025|110=1.5|117=Q77")
	if err != nil || string(s.Out()) != string(want) {
		t.Errorf("got  %s, %v\nwant %s", readable(s.Out()), err, readable(want))
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(uint64(1), uint64(261120143000000001), uint64(7), int64(300), int64(100250), int64(0), int64(5e9), "")
	f.Add(uint64(99), uint64(999999999999999999), uint64(1e17), int64(1<<62), int64(1), int64(10), int64(-1), "Q")
	f.Add(uint64(7), uint64(261120143000000998), uint64(261120143000000999), int64(100), int64(500), int64(0), int64(1e5), "")
	f.Add(uint64(9998), uint64(261120143000000001), uint64(261120143000000009), int64(5), int64(77), int64(0), int64(1e5), "")
	f.Add(uint64(999), uint64(1e18), uint64(0), int64(0), int64(-5), int64(1e9), int64(1e18), "a\x01b")
	f.Fuzz(func(t *testing.T, seq, id, orig uint64, qty, price, minQty, step int64, quote string) {
		if len(quote) > 64 {
			quote = quote[:64]
		}
		fast, slow := loggedOn(t, nil), loggedOn(t, nil)
		fast.nextOut, slow.nextOut = seq&(1<<62-1)+1, seq&(1<<62-1)+1
		short, long := orderSpec(IDDecimal, false), orderSpec(IDDecimal, false)
		short.Static, short.TransactTime = nil, false
		long.Static = append(long.Static, Static{58, strings.Repeat("x", 900)})
		linked := orderSpec(IDDecimal, false)
		linked.LinkTag = TagSecondaryClOrdID
		for _, spec := range []TemplateSpec{orderSpec(IDDecimal, false), orderSpec(IDDecimal, true),
			orderSpec(IDUUID, false), short, long, linked} {
			tf, err := fast.NewTemplate(spec)
			if err != nil {
				t.Fatal(err)
			}
			ts, _ := slow.NewTemplate(spec)
			now := int64(sampleTime)
			for range 3 { // times, ids and the width of the number change between messages
				v := Values{ID: id, OrigID: orig, Link: orig ^ id, Qty: qty, Price: price, MinQty: minQty, QuoteID: []byte(quote)}
				e1, e2 := fast.SendTemplate(tf, now, &v), slowTemplate(slow, ts, now, &v)
				if (e1 == nil) != (e2 == nil) || string(fast.Out()) != string(slow.Out()) {
					t.Fatalf("%v %v\nfast %s\nslow %s", e1, e2, readable(fast.Out()), readable(slow.Out()))
				}
				if n, err := Frame(fast.Out()); e1 == nil && (err != nil || n == 0) {
					t.Fatal(n, err)
				}
				now += step & (1<<40 - 1)
				id, qty, price = id+1, qty/10, price/7
			}
		}
	})
}

// TestNumbersGainDigits sends across every power of ten, as the twin does, with what Ready does behind a
// message and without: with it the next finds all of it done, and nothing allocates.
func TestNumbersGainDigits(t *testing.T) {
	for _, ready := range []bool{false, true} {
		fast, slow := loggedOn(t, nil), loggedOn(t, nil)
		for _, cancel := range []bool{false, true} {
			spec := orderSpec(IDDecimal, cancel)
			spec.LinkTag = TagSecondaryClOrdID
			fast.nextOut = 2
			tf, err := fast.NewTemplate(spec)
			if err != nil {
				t.Fatal(err)
			}
			ts, _ := slow.NewTemplate(spec)
			v := Values{ID: 261120143000000001, OrigID: 261120143000000005, Link: 261120143000000777, Qty: 30000, Price: 100250}
			for power := uint64(10); power <= 1e10; power *= 10 {
				for seq := power - 2; seq < power+2; seq++ {
					fast.nextOut, slow.nextOut = seq, seq
					e1, e2 := fast.SendTemplate(tf, sampleTime, &v), slowTemplate(slow, ts, sampleTime, &v)
					if e1 != nil || e2 != nil || string(fast.Out()) != string(slow.Out()) {
						t.Fatalf("%v %v\nfast %s\nslow %s", e1, e2, readable(fast.Out()), readable(slow.Out()))
					}
					if ready {
						fast.Ready(tf) // while it waits
					}
					if string(fast.Out()) != string(slow.Out()) {
						t.Fatalf("Ready changed what waits: %s", readable(fast.Out()))
					}
					fast.Wrote(len(fast.Out()))
					slow.Wrote(len(slow.Out()))
					if ready {
						fast.Ready(tf)
						if fast.nextOut-fast.seq.base >= fast.seq.serves || fast.seq.width != tf.seqLen || tf.seqLen != digits(fast.nextOut) {
							t.Fatalf("after %d the next would have to wait", seq)
						}
					}
				}
			}
		}
	}
	s := loggedOn(t, nil)
	tmpl, err := s.NewTemplate(orderSpec(IDDecimal, false))
	if err != nil {
		t.Fatal(err)
	}
	v := Values{ID: 261120143000000001, Qty: 30000, Price: 100250}
	if n := testing.AllocsPerRun(1000, func() {
		s.SendTemplate(tmpl, sampleTime, &v)
		s.Wrote(len(s.Out()))
		s.Ready(tmpl)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestIDFormatsComeBack(t *testing.T) {
	for _, f := range []IDFormat{IDDecimal, IDUUID} {
		for _, id := range []uint64{1, 42, 261120143000000001, 999999999999999999} {
			if got := f.Parse(f.Append(nil, id)); got != id {
				t.Errorf("format %d: %d came back as %d", f, id, got)
			}
		}
		for _, text := range []string{"", "0", "C100", "-5", "01", "18446744073709551616",
			"11111111-1111-1111-8111-000000000000", "2x112014-3000-4000-8001-000000000000"} {
			if got := f.Parse([]byte(text)); got != 0 {
				t.Errorf("format %d: %q is ours as %d", f, text, got)
			}
		}
	}
	if got := string(IDUUID.Append(nil, 261120143000000001)); got != "26112014-3000-4000-8001-000000000000" {
		t.Errorf("UUID %s", got)
	}
}

func TestTemplateDoesNotAllocate(t *testing.T) {
	s := loggedOn(t, nil)
	tmpl, err := s.NewTemplate(orderSpec(IDDecimal, false))
	if err != nil {
		t.Fatal(err)
	}
	v := Values{ID: 261120143000000001, Qty: 30000, Price: 100250}
	now := int64(sampleTime)
	if n := testing.AllocsPerRun(200, func() {
		now += 1e6
		s.SendTemplate(tmpl, now, &v)
		s.Wrote(len(s.Out()))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTemplateNamesWhatAnOrderIsPartOf, and a message that was withdrawn leaves no trace.
func TestTemplateNamesWhatAnOrderIsPartOf(t *testing.T) {
	s := loggedOn(t, nil)
	spec := orderSpec(IDDecimal, false)
	spec.LinkTag = TagSecondaryClOrdID
	tmpl, err := s.NewTemplate(spec)
	if err != nil {
		t.Fatal(err)
	}
	v := Values{ID: 261120143000000001, Link: 261120143000000777, Qty: 30000, Price: 100250}
	want := wrap("FIX.4.4", "35=D|34=2|49=SOR|52=20261120-14:30:00.124|56=XLIT|11=261120143000000001|"+
		"526=261120143000000777|40=2|54=1|55=ACME|59=3|60=20261120-14:30:00.124|38=300|44=10.025")
	for range 2 {
		if err := s.SendTemplate(tmpl, sampleTime+1e6, &v); err != nil || string(s.Out()) != string(want) {
			t.Fatalf("got  %s, %v\nwant %s", readable(s.Out()), err, readable(want))
		}
		s.Withdraw(0)
		if len(s.Out()) != 0 || s.NextOut() != 2 || s.Written() != 1 {
			t.Fatalf("after Withdraw: %q, next %d, %d written", s.Out(), s.NextOut(), s.Written())
		}
	}
}
