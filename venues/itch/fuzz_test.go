package itch

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"penstock/event"
	"penstock/internal/mutate"
)

// compare gives messages, each behind a length byte, to the decoder and to its
// slow twin: same depth events, same refusals.
func compare(t *testing.T, stream []byte) {
	c := newCollect()
	cfg := testConfig(c.sink)
	d, err := NewDecoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	slow := newTwin(cfg)
	d.Reset(1)
	d.Live(1)
	for n := int64(1); len(stream) > 0; n++ {
		size := min(int(stream[0]), len(stream)-1)
		msg := stream[1 : 1+size]
		stream = stream[1+size:]
		c.took()
		gotErr, wantErr := d.Decode(n, msg), slow.decode(n, msg)
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("message %d %x: decoder %v, twin %v", n, msg, gotErr, wantErr)
		}
		got := slices.DeleteFunc(slices.Clone(c.events), func(e event.Event) bool { return !isDepth(e) })
		if !slices.Equal(got, slow.events) {
			t.Fatalf("message %d %x:\n%+v\ntwin:\n%+v", n, msg, got, slow.events)
		}
	}
}

func framed(messages ...[]byte) (stream []byte) {
	for _, m := range messages {
		stream = append(append(stream, byte(len(m))), m...)
	}
	return stream
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	seed := append([][]byte{listing(7, "AAPL"), listing(8, "MSFT")}, sampleStream(r, 20)...)
	f.Add(framed(seed...))
	f.Add(framed(listing(7, "AAPL"), order('F', 7, 1<<60, 'S', 1, 100), replace(7, 1<<60, 2, 3, 4),
		executedAt(7, 2, 1, 'Y', 7), order('P', 7, 0, 'B', 1, 100), action(7, 'P'), systemEvent('C')))
	f.Add(framed(listing(7, "AAPL"), listing(7, "MSFT"), listing(9, "AAPL")))
	for _, v := range vectors {
		f.Add(framed(listing(7, "AAPL"), unhex(f, v)))
	}
	f.Fuzz(func(t *testing.T, stream []byte) { compare(t, stream) })
}

func TestDecoderAgreesWithItsTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	compare(t, framed(append([][]byte{listing(7, "AAPL")}, sampleStream(r, 3000)...)...))
}

// 10,000 random bit flips in valid streams: no panic, and what is decoded is what
// the twin decodes.
func TestBitFlipsAgreeWithTheTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		stream := framed(append([][]byte{listing(7, "AAPL"), listing(8, "MSFT")}, sampleStream(r, 30)...)...)
		for range 20 {
			bit := r.IntN(len(stream) * 8)
			stream[bit/8] ^= 1 << (bit % 8)
		}
		compare(t, stream)
	}
}

// A datagram that is not a whole packet is refused before anything of it is used.
func FuzzReceive(tf *testing.F) {
	f := mutate.New(tf)
	f.Add([]byte("SESS01    \x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x02ab"), uint8(3))
	f.Add(binary.BigEndian.AppendUint16(appendRequest(nil, Session{}, 9, endOfSession), 0), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		m := newLinesTest(t, cut%2 == 0)
		for now := int64(1); len(data) > 0; now++ {
			n := min(len(data), 20+int(cut))
			before := *m.receiver.Stats()
			err := m.receiver.Receive(now, int(now%3)-1, data[:n])
			after := m.receiver.Stats()
			if err != nil && (after.Messages != before.Messages || after.Lines != before.Lines) {
				t.Fatal("a refused datagram was used")
			}
			m.receiver.Tick(now)
			if n > 0 && m.receiver.WantsSnapshot() {
				m.receiver.Continue(now, uint64(data[0]))
			}
			if m.receiver.Overrun() || m.receiver.Lost(now) {
				m.receiver.Restart(now)
			}
			m.receiver.Request(now)
			if s := m.receiver.State(); (s == InOrder || s == Ended) && m.receiver.next != m.receiver.known {
				t.Fatalf("%s with %d messages missing", s, m.receiver.known-m.receiver.next)
			}
			data = data[n:]
		}
	})
}
