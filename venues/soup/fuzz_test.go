package soup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// slow reads a whole stream as the document says: with an io.Reader, one packet
// after the other. It returns the messages and how the session stands at the end:
// "login", "active", "ended" or "failed".
func slow(stream []byte) (messages []string, state string) {
	r := bytes.NewReader(stream)
	state, next := "login", 0
	for {
		var length uint16
		if binary.Read(r, binary.BigEndian, &length) != nil {
			return messages, state
		}
		if length == 0 {
			return messages, "failed"
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return messages, state
		}
		kind, payload := body[0], string(body[1:])
		switch {
		case kind == '+':
		case kind == 'H' && payload == "":
		case state == "login" && kind == 'A' && len(payload) == 30:
			n, err := strconv.ParseUint(strings.Trim(payload[10:], " "), 10, 64)
			if err != nil || n != 1 { // the first was asked for
				return messages, "failed"
			}
			state, next = "active", 1
		case state == "active" && kind == 'S':
			messages = append(messages, fmt.Sprintf("%d:%s", next, payload))
			next++
		case state == "active" && kind == 'U':
			messages = append(messages, "0:"+payload)
		case state == "active" && kind == 'Z' && payload == "":
			return messages, "ended"
		default:
			return messages, "failed"
		}
	}
}

var stateOf = map[State]string{LoggingIn: "login", Active: "active", Ended: "ended", Failed: "failed"}

// compare gives a stream to a session in pieces and to its slow twin at once.
func compare(t *testing.T, stream []byte, pieces *rand.Rand) {
	s, err := NewSession(testConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.Open(1)
	var got []string
	for rest := stream; len(rest) > 0; {
		n := copy(s.Buffer(), rest[:1+pieces.IntN(len(rest))])
		s.Received(1, n)
		rest = rest[n:]
		for range 1 + pieces.IntN(4) { // some wait for the next piece
			m, ok := s.Next()
			if !ok {
				break
			}
			got = append(got, fmt.Sprintf("%d:%s", m.Sequence, m.Data))
		}
	}
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		got = append(got, fmt.Sprintf("%d:%s", m.Sequence, m.Data))
	}
	want, state := slow(stream)
	if fmt.Sprint(got) != fmt.Sprint(want) || stateOf[s.State()] != state {
		t.Fatalf("%x\n%s %q %v\ntwin %s %q", stream, s.State(), got, s.Err(), state, want)
	}
	if (s.State() == Failed) != (s.Err() != nil) || int(s.Stats().Sequenced+s.Stats().Unsequenced) != len(got) {
		t.Fatalf("%s %v %+v", s.State(), s.Err(), s.Stats())
	}
}

func randomStream(r *rand.Rand) []byte {
	stream := accepted("SESS01", 1)
	for range r.IntN(20) {
		stream += packet("SSSUH+"[r.IntN(6)], "")
		if r.IntN(3) > 0 {
			stream += packet("SU+"[r.IntN(3)], strings.Repeat("x", r.IntN(50)))
		}
	}
	if r.IntN(3) == 0 {
		stream += packet('Z', "")
	}
	return []byte(stream)
}

func FuzzSession(f *testing.F) {
	f.Add([]byte(accepted("SESS01", 1)+packet('S', "one")+packet('U', "two")+packet('Z', "")), uint64(1))
	f.Add([]byte(packet('J', "A")), uint64(2))
	f.Add([]byte(packet('+', "debug")+accepted("", 1)+"\x00\x00"), uint64(3))
	f.Add([]byte(accepted("SESS01", 2)), uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		compare(t, stream, rand.New(rand.NewPCG(seed, 1)))
	})
}

func TestSessionAgreesWithItsTwin(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		compare(t, randomStream(r), r)
	}
	// Packets of every size up to the largest, more than the buffer in all.
	r := rand.New(rand.NewPCG(1, 3))
	stream := accepted("SESS01", 1)
	for _, n := range []int{payloadMax, 1, payloadMax - 1, 40000, 30000, payloadMax, 0} {
		stream += packet('S', strings.Repeat("y", n))
	}
	for range 20 {
		compare(t, []byte(stream), r)
	}
}

// Every truncated length, and 10,000 random bit flips: no panic, and what is taken
// is what the twin takes.
func TestDamagedStreamsAgreeWithTheTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	whole := []byte(packet('+', "hi") + accepted("SESS01", 1) + packet('S', "one") + packet('H', "") + packet('U', "two") + packet('Z', ""))
	for n := range whole {
		compare(t, whole[:n], r)
	}
	for range 1000 {
		stream := randomStream(r)
		for range 10 {
			bit := r.IntN(len(stream) * 8)
			stream[bit/8] ^= 1 << (bit % 8)
		}
		compare(t, stream, r)
	}
}
