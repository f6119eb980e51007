package firewall

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"penstock/market"
)

// edge returns memory behind which there is none.
func edge(t *testing.T) []byte {
	page := os.Getpagesize()
	all, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(all) })
	if err := unix.Mprotect(all[2*page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return all[:2*page]
}

// numbersSaid are quantities and prices as nobody should write them, and some that are right.
var numbersSaid = []string{"300", "1", "100", "0300", "0", "000", "00000300", "000000300", "0000000000000300", "300.", "300.0", "300.00000", ".3", ".",
	"1.5", "+300", "-300", " 300", "300 ", "3e2", "12345678", "123456789", "99999999", "100000000", "999999999999999999", "9223372036854775808",
	"18446744073709551916", "3\x00", "1.2.3", "49.95", "50.01", "49.9500", "049.95", "49.95000", "49.950000000", "49.95001", "4.995e1", "500000.5", "0.0001", "½", ""}

// bend changes one message at random: fields go, come twice, elsewhere or with other values, or bytes change.
func bend(r *rand.Rand, text string) []byte {
	fields := strings.Split(text, "|")
	for range r.IntN(3) {
		i := 1 + r.IntN(len(fields)-1)
		tag, _, _ := strings.Cut(fields[i], "=")
		switch r.IntN(9) {
		case 0:
			fields = slices.Delete(fields, i, i+1)
		case 1:
			fields = slices.Insert(fields, 1+r.IntN(len(fields)), fields[i])
		case 2:
			fields = slices.Insert(fields, 1+r.IntN(len(fields)), []string{"38=1", "44=0.01", "111=1", "1138=100", "111=0", "5700=X", "526=" + fmt.Sprint(parentB),
				"54=2", "55=BTC-USD", "40=1", "59=0", "8002=0", "41=7", "43=Y", "97=Y", "58=x", "0=1", "=", "38", "35=D", "100000=1", "095=1"}[r.IntN(22)])
		case 3:
			k := 1 + r.IntN(len(fields)-1)
			fields[i], fields[k] = fields[k], fields[i]
		case 4, 5, 6:
			for i := range fields {
				if strings.HasPrefix(fields[i], "38=") && r.IntN(2) == 0 || strings.HasPrefix(fields[i], "44=") && r.IntN(2) == 0 {
					fields[i] = fields[i][:3] + numbersSaid[r.IntN(len(numbersSaid))]
				}
			}
		case 7:
			fields[i] = tag + "=" + numbersSaid[r.IntN(len(numbersSaid))]
		case 8:
			fields[i] = tag + "=" + []string{"2", "BTC-USD", fmt.Sprint(parentB), "0" + fmt.Sprint(parentA), "1234567890123456789", "20261120-14:30:00.12x"}[r.IntN(6)]
		}
		if len(fields) < 3 {
			break
		}
	}
	msg := []byte(wrap(strings.Join(fields, "|")))
	for range max(0, r.IntN(6)-4) {
		msg[r.IntN(len(msg))] = byte(r.IntN(256))
	}
	switch r.IntN(24) {
	case 0:
		msg = bytes.Replace(msg, []byte("\x019="), []byte("\x019=0"), 1)
	case 1:
		msg = msg[:r.IntN(len(msg)+1)]
	case 2:
		msg = append(msg, wrap(text)...)
	}
	return msg
}

// TestBentOrdersAreJudgedAlikeByMouldAndScan gives bent orders to two firewalls, of which one
// learns no moulds: verdicts, what may leave, and accounts are the same. The messages end where
// memory ends, so nothing is read beyond them.
func TestBentOrdersAreJudgedAlikeByMouldAndScan(t *testing.T) {
	t.Parallel()
	memory := edge(t)
	laps, fits := 400, 0
	if testing.Short() {
		laps = 40
	}
	var verdicts [reasons]int
	for lap := range laps {
		fast, slow := newPair(t), newPair(t)
		slow.s.moulds.all = nil
		display := market.Qty(lap % 3 * 200)
		for _, p := range []*pair{fast, slow} {
			p.s.cfg.ConditionalTag, p.s.cfg.ConditionalValue, p.s.cfg.Lit = 8002, '0', true
			for i := range p.f.cfg.Limits {
				p.f.cfg.Limits[i].MaxNotional = 1 << 50
			}
			p.order(parentA, Order{ID: [20]byte{'A'}, Client: 1, Qty: 3000, Limit: 500_000, Display: display})
		}
		for n := range uint64(60) {
			fast.seq = n * n
			text := fast.orderText(childA + n)
			if n/3%3 == 2 {
				text = strings.NewReplacer(fmt.Sprint(uint64(parentA)), fmt.Sprint(uint64(parentB)), "54=1", "54=2", "55=PSTK", "55=BTC-USD", "44=49.95", "44=500.5").Replace(text)
			}
			msg := []byte(wrap(text))
			if n >= 6 { // thrice alike: the first may be learnt from
				msg = bend(rand.New(rand.NewPCG(uint64(lap), n/3)), text)
			}
			at := memory[len(memory)-len(msg):]
			copy(at, msg)
			fast.now += 1e8
			if k, _ := cast(t, fast.s, at, new(wireOrder)); k > 0 {
				fits++
			}
			clearA, whyA := fast.s.Out(fast.now, at, Said{})
			clearB, whyB := slow.s.Out(fast.now, at, Said{})
			if clearA != clearB || whyA != whyB {
				t.Fatalf("%q: %v and %d bytes clear, without moulds %v and %d", msg, whyA, clearA, whyB, clearB)
			}
			a, b := fast.f.Stats(), slow.f.Stats()
			if a.ByField, b.ByField = 0, 0; a != b {
				t.Fatalf("%q: %+v, without moulds %+v", msg, a, b)
			}
			verdicts[whyA]++
			for _, p := range []*pair{fast, slow} {
				p.latch.Release(Scope{})
				if trouble := p.f.Recount(); trouble != "" {
					t.Fatalf("%q: %s", msg, trouble)
				}
				if n%4 != 0 {
					p.f.Resolve(childA+n, 0, true)
				}
			}
		}
		for i := range fast.f.children {
			if a, b := fast.f.children[i], slow.f.children[i]; a != b {
				t.Fatalf("child %+v, without moulds %+v", a, b)
			}
		}
	}
	for _, why := range []Reason{Clear, Malformed, Unsupported, UnknownParent, WrongSymbol, WrongSide, Duplicate, Quantity, Band, Limit, Overfill, Locate, Display} {
		if verdicts[why] == 0 && !testing.Short() { // a few laps do not meet each
			t.Errorf("no verdict is %v", why)
		}
	}
	if fits < laps*10 {
		t.Errorf("%d of %d messages fit a mould", fits, laps*60)
	}
}
