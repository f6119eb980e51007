package firewall

import (
	"fmt"
	"strings"
	"testing"
)

// TestMouldsGainDigits lets moulds of orders and cancels of many lengths gain a digit of MsgSeqNum, and
// compares them with what is learned from the next message.
func TestMouldsGainDigits(t *testing.T) {
	learned := func(kind byte, msg string) *mould {
		s := newPair(t).s
		body, n := s.frame([]byte(msg))
		s.learn(kind, []byte(msg), n-trailer-len(body))
		if len(s.moulds.all) == 0 {
			return nil
		}
		return &s.moulds.all[0]
	}
	compared := 0
	for long := 1; long < 250; long++ {
		text := map[byte]string{
			'D': strings.Replace(newPair(t).orderText(childA), "49=SOR", "49="+strings.Repeat("S", long), 1),
			'F': fmt.Sprintf("35=F|34=1|49=%s|52=20261120-14:30:00.123|56=XLIT|11=%d|41=%d|54=1|55=PSTK|60=20261120-14:30:00.123",
				strings.Repeat("S", long), uint64(childA+1), uint64(childA)),
		}
		for kind, text := range text {
			for full := uint64(9); full < 1e9; full = full*10 + 9 {
				at := func(seq uint64) string { return wrap(strings.Replace(text, "34=1", fmt.Sprintf("34=%d", seq), 1)) }
				m, want := learned(kind, at(full)), learned(kind, at(full+1))
				if m == nil || want == nil {
					if full >= 99_999_999 || long > 150 { // too long for a mould
						continue
					}
					t.Fatalf("%c, SenderCompID of %d bytes, after %d: learned %v, %v", kind, long, full, m != nil, want != nil)
				}
				if !m.widen() {
					t.Fatalf("%c, SenderCompID of %d bytes, after %d: no mould", kind, long, full)
				}
				if m.limits = want.limits; *m != *want { // they belong to two firewalls
					t.Fatalf("%c, SenderCompID of %d bytes, after %d:\n%+v\nlearned:\n%+v", kind, long, full, *m, *want)
				}
				compared++
			}
		}
	}
	if compared < 2000 {
		t.Errorf("%d moulds compared", compared)
	}
}

// TestReadyFindsTheNextMessageRead sends across powers of ten: with what Ready does behind each order
// nothing is left to scan, once two moulds are learned.
func TestReadyFindsTheNextMessageRead(t *testing.T) {
	p := newPair(t)
	p.order(parentA, Order{ID: [20]byte{'A'}, Client: 1, Qty: 200_000, Limit: 500_000})
	p.tell()
	missed := uint(0)
	for i := range uint64(30) {
		p.seq = 90 + i
		if i >= 15 {
			p.seq = 980 + i
		}
		text := p.orderText(childA + i)
		if i%3 == 2 { // between, an order to sell is learned too
			text = strings.Replace(text, "59=3", "59=0", 1)
		}
		if _, why := p.s.Out(p.now+int64(i)*second, []byte(wrap(text)), Said{}); why != Clear {
			t.Fatalf("%d: %v", i, why)
		}
		p.s.Ready()
		switch i {
		case 2, 17:
			missed = p.s.moulds.missed
		}
		if i > 2 && i < 15 || i > 17 {
			if p.s.moulds.missed != missed {
				t.Errorf("MsgSeqNum %d was read by scan", p.seq)
			}
		}
		p.f.Resolve(childA+i, 0, true)
	}
	if n := testing.AllocsPerRun(100, func() {
		p.s.moulds.full = p.s.moulds.read.seq
		p.s.Ready()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNumbersBeginAnew: as often as they do, one order of each kind is left to scan, which learns them.
func TestNumbersBeginAnew(t *testing.T) {
	p := newPair(t)
	p.order(parentA, Order{ID: [20]byte{'A'}, Client: 1, Qty: 200_000, Limit: 500_000})
	p.tell()
	id, kinds := uint64(childA), [...]string{"59=3", "59=0"}
	for connection := range 3 * mouldsEach * len(testSymbols) {
		before := p.f.Stats().ByField
		for p.seq = 0; p.seq < 150; { // orderText counts
			id++
			text := strings.Replace(p.orderText(id), "59=3", kinds[p.seq%2], 1)
			p.now += second
			if _, why := p.s.Out(p.now, []byte(wrap(text)), Said{}); why != Clear {
				t.Fatalf("%s: %v", text, why)
			}
			p.s.Ready()
			p.f.Resolve(id, 0, true)
			p.f.Forget()
		}
		if n := p.f.Stats().ByField - before; n != uint64(len(kinds)) {
			t.Fatalf("connection %d: %d orders were read field by field", connection, n)
		}
	}
}
