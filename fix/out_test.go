package fix

import (
	"bytes"
	"testing"
)

// FuzzOut sends by three templates of one session, between messages of the session itself, while
// a socket takes what it likes and messages are taken back. The bytes are those of the slow twin.
func FuzzOut(f *testing.F) {
	f.Add([]byte{0, 3, 0, 3, 1, 1, 2, 4, 9, 0, 5, 3, 6, 0, 0, 200, 3})
	f.Add(bytes.Repeat([]byte{0, 3}, 120))
	f.Add(bytes.Repeat([]byte{1, 0, 2, 5, 4, 30, 6, 7, 0, 8, 0}, 30))
	f.Add(bytes.Repeat([]byte{11, 2, 10, 3, 10, 13, 3, 10, 14, 10, 5, 3, 12, 6, 10, 15, 3, 10, 9, 13, 10, 3, 14, 15}, 20))
	f.Fuzz(func(t *testing.T, acts []byte) {
		fast, slow := loggedOn(t, nil), loggedOn(t, nil)
		fast.cfg.OutLimit, slow.cfg.OutLimit = 700, 700
		linked := orderSpec(IDDecimal, false)
		linked.LinkTag, linked.QtyDecimals = TagSecondaryClOrdID, 0
		var tf, ts [3]*Template
		for i, spec := range []TemplateSpec{linked, orderSpec(IDDecimal, true), orderSpec(IDUUID, false)} {
			tf[i], _ = fast.NewTemplate(spec)
			ts[i], _ = slow.NewTemplate(spec)
		}
		now := int64(sampleTime)
		v := Values{ID: 261120143000000995, OrigID: 261120143000000001, Link: 261120143000000777, Qty: 1, Price: 99}
		for i, act := range acts {
			now += int64(act) * 70_000
			before := len(fast.Out())
			switch act {
			default:
				v.ID += uint64(act)
				v.Qty = v.Qty*7%200_000_000 + int64(act)
				v.Price = v.Price*11%300_000_000 + int64(act)
				k := int(act) % 3
				a, b := fast.SendTemplate(tf[k], now, &v), slow.CanSend()
				if b {
					slowTemplate(slow, ts[k], now, &v)
				}
				if (a == nil) != b {
					t.Fatalf("act %d: %v, twin can send: %v", i, a, b)
				}
			case 3:
				fast.Wrote(before)
				slow.Wrote(before)
			case 4, 5:
				fast.Wrote(min(before, i+int(act)))
				slow.Wrote(min(before, i+int(act)))
			case 6:
				if a, b := fast.SendTemplate(tf[1], now, &v), slow.CanSend(); (a == nil) != b {
					t.Fatalf("act %d: %v, twin can send: %v", i, a, b)
				} else if b {
					fast.Withdraw(before)
				}
			case 7:
				fast.sendLogout(now, "x")
				slow.sendLogout(now, "x")
			case 8:
				fast.gapFill(now, 1, 5)
				slow.gapFill(now, 1, 5)
			case 9:
				fast.Disconnected(now)
				slow.Disconnected(now)
				fast.Reset()
				slow.Reset()
				fast.state, slow.state = Active, Active
			case 10:
				fast.Ready(tf[i%3])
			case 11: // soon there is a digit more
				power := uint64(10)
				for power <= fast.nextOut+2 {
					power *= 10
				}
				fast.nextOut, slow.nextOut = power-2, power-2
			case 12:
				now -= int64(i%3) * 86_399_999_500_000
			}
			if string(fast.Out()) != string(slow.Out()) || fast.NextOut() != slow.NextOut() || fast.Written() != slow.Written() {
				t.Fatalf("act %d: %d, next %d of %d\nfast %s\nslow %s", i, act, fast.NextOut(), slow.NextOut(), readable(fast.Out()),
					readable(slow.Out()))
			}
		}
	})
}

// TestStoreIsAheadOfTemplates: a number that was sent is never given again by a process that
// finds the file.
func TestStoreIsAheadOfTemplates(t *testing.T) {
	store, err := OpenStore(t.TempDir() + "/numbers")
	if err != nil {
		t.Fatal(err)
	}
	s := loggedOn(t, store)
	tmpl, err := s.NewTemplate(orderSpec(IDDecimal, false))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		switch i {
		case 99, 100:
			s.Disconnected(sampleTime)
			s.Reset()
			s.state = Active
		case 200:
			s.Disconnected(sampleTime)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s.state = Active
		}
		v := Values{ID: 261120143000000001, Qty: 30000, Price: 100250}
		if err := s.SendTemplate(tmpl, sampleTime, &v); err != nil {
			t.Fatal(err)
		}
		s.Wrote(len(s.Out()))
		if i%3 == 0 {
			s.Ready(tmpl)
		}
		if next, _ := store.Next(); next < s.NextOut() {
			t.Fatalf("order %d: the file goes on with %d, the session with %d", i, next, s.NextOut())
		}
	}
}
