package firewall

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"penstock/market"
)

// twins are two firewalls that hear the same; one of them learns no moulds.
type twins struct {
	t          testing.TB
	fast, slow *pair
}

func newTwins(t testing.TB) *twins {
	w := &twins{t: t, fast: newPair(t), slow: newPair(t)}
	w.slow.s.moulds.all = nil
	w.each(func(p *pair) {
		p.s.cfg.ConditionalTag, p.s.cfg.ConditionalValue = 8002, '0'
		for i := range p.f.cfg.Limits {
			p.f.cfg.Limits[i].MaxNotional = 1 << 50
		}
	})
	return w
}

func (w *twins) each(f func(*pair)) {
	f(w.fast)
	f(w.slow)
}

// out lets both judge a message and compares verdicts and all that they keep of it.
func (w *twins) out(msg []byte) Reason {
	w.t.Helper()
	w.each(func(p *pair) { p.now += 1e8 })
	clearA, whyA := w.fast.s.Out(w.fast.now, msg, Said{})
	clearB, whyB := w.slow.s.Out(w.slow.now, msg, Said{})
	if clearA != clearB || whyA != whyB {
		w.t.Fatalf("%q: %v and %d bytes clear, without moulds %v and %d", msg, whyA, clearA, whyB, clearB)
	}
	w.same(msg)
	w.each(func(p *pair) { p.latch.Release(Scope{}) })
	return whyA
}

// same compares the accounts.
func (w *twins) same(msg []byte) {
	w.t.Helper()
	a, b := w.fast, w.slow
	for i := range a.f.children {
		if c, d := a.f.children[i], b.f.children[i]; c != d {
			w.t.Fatalf("%q: child %+v, without moulds %+v", msg, c, d)
		}
	}
	for i := range a.f.parents {
		if c, d := a.f.parents[i], b.f.parents[i]; c != d {
			w.t.Fatalf("%q: parent %+v, without moulds %+v", msg, c, d)
		}
	}
	for i, c := range a.f.byChild.slots {
		if d := b.f.byChild.slots[i]; c != d {
			w.t.Fatalf("%q: slot %+v, without moulds %+v", msg, c, d)
		}
	}
	c, d := a.f.Stats(), b.f.Stats()
	c.ByField, d.ByField = 0, 0 // which is where they differ
	if c != d || a.f.sent != b.f.sent || !slices.Equal(a.f.accounts, b.f.accounts) {
		w.t.Fatalf("%q: %+v %+v, without moulds %+v %+v", msg, c, a.f.accounts, d, b.f.accounts)
	}
	if a.s.rate.next != b.s.rate.next || !slices.Equal(a.s.rate.times, b.s.rate.times) || a.s.recent != b.s.recent {
		w.t.Fatalf("%q: the sessions differ", msg)
	}
	if len(a.trips) != len(b.trips) {
		w.t.Fatalf("%q: %d trips, without moulds %d", msg, len(a.trips), len(b.trips))
	}
	for i, c := range a.trips {
		d := b.trips[i]
		if d.Qty == 0 { // not read yet when it was refused
			c.Qty = 0
		}
		if d.Price == 0 {
			c.Price = 0
		}
		if c != d {
			w.t.Fatalf("%q: trip %+v, without moulds %+v", msg, c, d)
		}
	}
	w.each(func(p *pair) { p.trips = p.trips[:0] })
	w.each(func(p *pair) {
		if trouble := p.f.Recount(); trouble != "" {
			w.t.Fatalf("%q: %s", msg, trouble)
		}
	})
}

// forget ends what a message let out, so that there is room for the next.
func (w *twins) forget() {
	w.each(func(p *pair) {
		for i := range p.f.children[:p.f.sent] {
			p.f.release(&p.f.children[i])
		}
		p.f.Forget()
		clear(p.f.children)
	})
}

// goodMessages are orders and cancels that both let through.
func (w *twins) goodMessages() (all []string) {
	plain := w.fast.orderText(childA)
	other := strings.NewReplacer(fmt.Sprint(uint64(parentA)), fmt.Sprint(uint64(parentB)), "54=1", "54=2", "55=PSTK", "55=BTC-USD",
		"38=300", "38=0.5", "44=49.95", "44=50000.5").Replace(plain)
	cancel := fmt.Sprintf("35=F|34=7|49=SOR|52=20261120-14:30:00.123|56=XLIT|11=%d|41=%d|54=1|55=PSTK|60=20261120-14:30:00.123", uint64(childA+5), uint64(childA))
	return []string{plain, strings.Replace(plain, "59=3", "59=0", 1), other, strings.Replace(plain, "|44=49.95", "|44=49.95|110=100", 1), cancel, cancel + "|38=300"}
}

// learn shows a message until it has a mould, and reports whether that fits it.
func (w *twins) learn(text string) bool {
	for range 2 {
		w.out([]byte(wrap(w.fast.orderText(childA))))
		w.out([]byte(wrap(text)))
		w.forget()
	}
	return w.fast.s.moulds.fit([]byte(wrap(text))) != nil
}

// TestEachByteOfAMessageIsJudged bends each byte of messages of each kind to each value: verdict and
// accounts are those of a firewall that learns nothing.
func TestEachByteOfAMessageIsJudged(t *testing.T) {
	t.Parallel()
	step := 5
	if testing.Short() {
		step = 51
	}
	for i, text := range newTwins(t).goodMessages() {
		w := newTwins(t)
		w.each(func(p *pair) { p.s.cfg.Lit = i%2 == 0 })
		if !w.learn(text) {
			t.Errorf("%s: nothing was learnt", text)
		}
		msg, cancel := []byte(wrap(text)), strings.HasPrefix(text, "35=F")
		for at := range msg {
			for c := at % step; c < 256+len("0123456789.|"); c += step {
				bent := bytes.Clone(msg)
				if bent[at] = byte(c); c >= 256 {
					bent[at] = "0123456789.\x01"[c-256]
				}
				if cancel {
					w.out([]byte(wrap(w.fast.orderText(childA))))
				}
				w.out(bent)
				w.forget()
			}
		}
	}
}

// TestFieldsInsertedAnywhereAreJudged puts one more field at each place of messages of each kind.
func TestFieldsInsertedAnywhereAreJudged(t *testing.T) {
	t.Parallel()
	var verdicts [reasons]int
	for _, text := range newTwins(t).goodMessages() {
		w := newTwins(t)
		w.learn(text)
		w.each(func(p *pair) {
			p.s.cfg.Lit = true
			p.f.parents[0].order.Display = 250
		})
		fields := strings.Split(text, "|")
		for _, more := range []string{"111=x", "111=1", "111=", "111=250", "1138=100", "1138=300", "5700=X", "8002=0", "8002=1", "18=1", "44=1", "44=49.95", "38=1",
			"38=300", "54=5", "54=1", "40=1", "40=P", "59=0", "59=3", "526=" + fmt.Sprint(uint64(parentB)), "11=7", "41=7", "34=9", "55=PSTK", "97=Y", "58=x", "0=1", "=", "x"} {
			for at := 1; at <= len(fields); at++ {
				for range 2 { // the second meets what was learnt of the first
					verdicts[w.out([]byte(wrap(strings.Join(slices.Insert(slices.Clone(fields), at, more), "|"))))]++
					w.forget()
				}
			}
		}
	}
	for _, why := range []Reason{Clear, Malformed, Display, Locate} {
		if verdicts[why] == 0 {
			t.Errorf("no verdict is %v", why)
		}
	}
}

// TestPlainOrdersGoThePlainWay: the quick way refuses only what breaks something.
func TestPlainOrdersGoThePlainWay(t *testing.T) {
	for _, text := range newTwins(t).goodMessages()[:3] {
		w := newTwins(t)
		w.learn(text)
		s := w.fast.s
		if m := s.moulds.fit([]byte(wrap(text))); m == nil || !s.plain(m, w.fast.now+second, 0) {
			t.Errorf("%s: not judged by plain", text)
		}
	}
}

// TestZerosAreNoNumbers: neither a quantity nor a price of zeros is taken for one that is there, nor
// for one that is not.
func TestZerosAreNoNumbers(t *testing.T) {
	t.Parallel()
	w := newTwins(t)
	text := w.goodMessages()[2]
	if !w.learn(text) {
		t.Fatal("nothing was learnt")
	}
	for _, zero := range []string{"0", "0.", "0.0", "00.000", "0000.000", "00000000"} {
		for old, more := range map[string][]string{"38=0.5": {"", "|44=50000.5"}, "44=50000.5": {"", "|44=50000.5", "|38=0.5"}} {
			for _, behind := range more {
				msg := []byte(wrap(strings.Replace(text, old, old[:3]+zero+behind, 1)))
				for i := range w.fast.s.moulds.all {
					sameRead(t, &w.fast.s.moulds.all[i], msg)
				}
				if why := w.out(msg); why == Clear {
					t.Errorf("%q: let through", msg)
				}
				w.forget()
			}
		}
	}
}

// TestCancelsWithWordsOfOrdersAreNoOrders: a cancel may say what only an order has to.
func TestCancelsWithWordsOfOrdersAreNoOrders(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"|40=2", "|40=2|38=300", "|38=300|40=1|59=0"} {
		w := newTwins(t)
		text := w.goodMessages()[4] + more
		for range 3 {
			w.out([]byte(wrap(w.fast.orderText(childA))))
			if why := w.out([]byte(wrap(text))); why != Clear {
				t.Fatalf("%s: %v", text, why)
			}
			w.forget()
		}
	}
}

// FuzzPlain compares the two firewalls on runs of bent messages.
func FuzzPlain(f *testing.F) {
	f.Add([]byte{0, 1, 20, '7', 2, 0, 30, '0', 4, 2, 100, 1, 0, 0, 150, '9'})
	f.Add(bytes.Repeat([]byte{0, 32, 1, 1, 0, 1, 20, '7', 1, 0, 0, 0, 2, 0, 30, '0', 0, 64, 1, 3}, 20))
	f.Add([]byte("messages bent in every way that the fuzzer thinks of, again and again"))
	f.Fuzz(func(t *testing.T, in []byte) {
		w := newTwins(t)
		good := w.goodMessages()
		seq := uint64(7)
		for n := 0; len(in) >= 4 && n < 100; n++ {
			text, how, at, c := good[int(in[0])%len(good)], in[1], int(in[2]), in[3]
			in = in[4:]
			text = strings.Replace(text, fmt.Sprintf("11=%d", uint64(childA)), fmt.Sprintf("11=%d", childA+uint64(n%50)), 1)
			switch seq++; {
			case how&32 != 0: // soon there is a digit more
				seq = uint64(math.Pow10(1+int(c)%9)) - 2 + uint64(at%3)
			case how&64 != 0:
				seq = 1
			}
			head, body, _ := strings.Cut(text, "|34=")
			text = fmt.Sprintf("%s|34=%d%s", head, seq, body[strings.IndexByte(body, '|'):])
			if how&1 != 0 {
				text = strings.Replace(text, "38=300", fmt.Sprintf("38=%d", int(c)*at), 1)
			}
			if how&2 != 0 {
				text = strings.Replace(text, "44=49.95", fmt.Sprintf("44=%d.%d", 45+c%7, at), 1)
			}
			msg := []byte(wrap(text))
			if how&4 != 0 {
				msg[at%len(msg)] = c
			}
			w.out(msg)
			if how&128 == 0 {
				w.fast.s.Ready()
			}
			if how&8 != 0 {
				w.each(func(p *pair) { p.f.Resolve(childA+uint64(at%50), market.Qty(c), how&16 != 0) })
				w.same(msg)
			}
		}
	})
}

// TestParentsAndChildrenFillCacheLines: what an order is judged by lies in few of them.
func TestParentsAndChildrenFillCacheLines(t *testing.T) {
	var p parent
	if a, b, c := unsafe.Sizeof(p), unsafe.Sizeof(child{}), unsafe.Offsetof(p.order)+unsafe.Offsetof(p.order.ID); a != 128 || b != 64 || c > 64 {
		t.Errorf("a parent has %d bytes, what is judged %d, a child %d", a, c, b)
	}
}
