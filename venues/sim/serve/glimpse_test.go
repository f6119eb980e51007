package serve

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/market"
)

// glimpseLogin is a login by hand: user, password, any session, from message 1.
func glimpseLogin(user, password string) string {
	return "\x00\x2fL" + fmt.Sprintf("%-6s%-10s%10s%20d", user, password, "", 1)
}

// takeSnapshot logs in at v and returns the packets until G, J or the end.
func takeSnapshot(t *testing.T, v *Server, login string) (packets []string) {
	t.Helper()
	conn, err := net.Dial("tcp", v.SnapshotAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, login)
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return packets
		}
		p := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, p); err != nil {
			return packets
		}
		packets = append(packets, string(p))
		if p[0] == 'J' || strings.HasPrefix(string(p), "SG") {
			return packets
		}
	}
}

func startWithPassword(t *testing.T) (*Market, *Server) {
	m := startMarket(t, func(c *Config) {
		c.Venues = c.Venues[:1]
		c.Venues[0].SnapshotUser, c.Venues[0].SnapshotPassword = "USER", "SECRET"
	})
	return m, m.Venue("LITA")
}

// A snapshot and the stream from its number on give the venue's book.
func TestSnapshotAndStreamGiveTheVenuesBook(t *testing.T) {
	_, v := startWithPassword(t)
	r := newITCHReader(t, v)
	r.until(v, "first messages", func() bool { return r.next > 100 })
	late := newITCHReader(t, v)
	packets := takeSnapshot(t, v, glimpseLogin("USER", "SECRET"))
	if len(packets) < 10 || packets[0][0] != 'A' || strings.TrimSpace(packets[0][11:]) != "1" {
		t.Fatalf("%d packets, first %q", len(packets), packets[:min(1, len(packets))])
	}
	for _, p := range packets[1 : len(packets)-1] {
		if p[0] == 'S' {
			late.message([]byte(p[1:]))
		}
	}
	end := packets[len(packets)-1]
	next, err := strconv.ParseUint(strings.TrimSpace(end[2:]), 10, 64)
	if err != nil || len(end) != 22 {
		t.Fatalf("end %q", end)
	}
	late.next = next
	checkITCH(t, v, late)
	if len(late.depth(market.Buy)) == 0 {
		t.Error("no bids in the snapshot")
	}
}

func TestSnapshotServerChecksTheLogin(t *testing.T) {
	_, v := startWithPassword(t)
	for login, code := range map[string]string{
		glimpseLogin("USER", "WRONG"):   "JA",
		glimpseLogin("OTHER", "SECRET"): "JA",
		strings.Replace(glimpseLogin("USER", "SECRET"), "          ", "      NONE", 1): "JS",
		strings.Replace(glimpseLogin("USER", "SECRET"), " 1", " 2", 1):                 "JS",
	} {
		if got := takeSnapshot(t, v, login); !slices.Equal(got, []string{code}) {
			t.Errorf("%q answered by %q, want %s", login, got, code)
		}
	}
}

func TestSnapshotFaults(t *testing.T) {
	m, v := startWithPassword(t)
	good := glimpseLogin("USER", "SECRET")
	set := func(f SnapshotFaults) {
		t.Helper()
		if err := v.SetSnapshotFaults(f); err != nil {
			t.Fatal(err)
		}
	}
	set(SnapshotFaults{Reject: 'S'})
	if got := takeSnapshot(t, v, good); !slices.Equal(got, []string{"JS"}) {
		t.Errorf("%q", got)
	}
	set(SnapshotFaults{DropAfter: 5})
	if got := takeSnapshot(t, v, good); len(got) != 6 {
		t.Errorf("%d packets before the break, want the acceptance and 5", len(got))
	}
	set(SnapshotFaults{Batch: 3, GapNanos: 1e6})
	if got := takeSnapshot(t, v, good); len(got) < 10 || got[len(got)-1][:2] != "SG" {
		t.Errorf("%d packets in batches", len(got))
	}
	set(SnapshotFaults{Silent: true})
	conn, err := net.Dial("tcp", v.SnapshotAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, good)
	within(t, "connection", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(v.glimpse.conns) > 0
	})
	if err := m.Close(); err != nil { // ends the connection
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	if rest, _ := io.ReadAll(conn); len(rest) != 0 {
		t.Errorf("a silent server says %q", rest)
	}
}

// The lines fail each for itself: what A loses, B has.
func TestLinesFailIndependently(t *testing.T) {
	m, v := startWithPassword(t)
	both := [2]*itchReader{newITCHReader(t, v), newITCHReader(t, v)}
	m.mu.Lock()
	receivers := v.mold.lines[0].receivers
	v.mold.lines[0].receivers, v.mold.lines[1].receivers = receivers[:1], receivers[1:]
	m.mu.Unlock()
	for line := range both {
		r := both[line]
		r.until(v, "first messages", func() bool { return r.next > 1 })
	}
	if err := v.SetLineFaults(0, LineFaults{Seed: 1, LoseBps: 3000}); err != nil {
		t.Fatal(err)
	}
	asked := [2]int{both[0].requested, both[1].requested}
	for line := range both {
		r := both[line]
		from := r.next
		r.until(v, "messages", func() bool { return r.next > from+200 })
	}
	if a, b := both[0].requested-asked[0], both[1].requested-asked[1]; a == 0 || b > 1 { // one: what came before it joined
		t.Errorf("line A lost %d times, line B %d times", a, b)
	}
	for _, err := range []error{v.SetLineFaults(2, LineFaults{}), v.LosePacketsOn(-1, 1), v.AddReceiverOn(0, "x")} {
		if err == nil {
			t.Error("nonsense accepted")
		}
	}
}

func TestNewSessionRepeatsTheBook(t *testing.T) {
	_, v := startWithPassword(t)
	r := newITCHReader(t, v)
	r.until(v, "first messages", func() bool { return r.next > 100 })
	if err := v.StartSession(); err != nil {
		t.Fatal(err)
	}
	r.until(v, "end of session", func() bool { return r.ended })
	next := newITCHReader(t, v)
	next.until(v, "first messages", func() bool { return next.next > 10 })
	if string(next.session[:]) == string(r.session[:]) || string(next.events[:1]) != "O" {
		t.Errorf("session %q after %q", next.session, r.session)
	}
	checkITCH(t, v, next)
}
