package fixmd

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/internal/freeport"
	"penstock/venues/wire"
)

// qfVenue is a venue made of quickfix, which shares no code with ours: it answers a
// MarketDataRequest by a snapshot and an increment.
type qfVenue struct {
	mu   sync.Mutex
	reqs []string
	err  error
}

func (q *qfVenue) OnCreate(quickfix.SessionID)                       {}
func (q *qfVenue) OnLogon(quickfix.SessionID)                        {}
func (q *qfVenue) OnLogout(quickfix.SessionID)                       {}
func (q *qfVenue) ToAdmin(*quickfix.Message, quickfix.SessionID)     {}
func (q *qfVenue) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }
func (q *qfVenue) FromAdmin(*quickfix.Message, quickfix.SessionID) quickfix.MessageRejectError {
	return nil
}

func (q *qfVenue) FromApp(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	if !m.IsMsgTypeOf("V") {
		return nil
	}
	reqID, _ := m.Body.GetString(262)
	kind, _ := m.Body.GetString(263)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reqs = append(q.reqs, kind+" "+strings.ReplaceAll(m.String(), "\x01", "|"))
	if kind != "1" {
		return nil
	}
	q.send(id, qfSnapshot(reqID), qfIncremental(reqID, 3))
	return nil
}

func (q *qfVenue) send(id quickfix.SessionID, messages ...*quickfix.Message) {
	for _, m := range messages {
		if err := quickfix.SendToTarget(m, id); err != nil {
			q.err = err
		}
	}
}

func qfSnapshot(reqID string) *quickfix.Message {
	m := quickfix.NewMessage()
	m.Header.SetString(35, "W")
	m.Body.SetString(262, reqID)
	m.Body.SetString(55, "ACME")
	g := quickfix.NewRepeatingGroup(268, quickfix.GroupTemplate{quickfix.GroupElement(269),
		quickfix.GroupElement(270), quickfix.GroupElement(271)})
	for _, l := range [][3]string{{"0", "10.01", "100"}, {"0", "10", "50"}, {"1", "10.02", "70"}} {
		e := g.Add()
		e.SetString(269, l[0])
		e.SetString(270, l[1])
		e.SetString(271, l[2])
	}
	m.Body.SetGroup(g)
	return m
}

// qfIncremental has n entries: bids from 9.99 downwards.
func qfIncremental(reqID string, n int) *quickfix.Message {
	m := quickfix.NewMessage()
	m.Header.SetString(35, "X")
	m.Body.SetString(262, reqID)
	g := quickfix.NewRepeatingGroup(268, qfTemplate())
	for i := range n {
		e := g.Add()
		e.SetString(279, "0")
		e.SetString(269, "0")
		e.SetString(55, "ACME")
		e.SetString(270, fmt.Sprintf("9.%02d", 99-i))
		e.SetString(271, fmt.Sprint(100+i))
	}
	m.Body.SetGroup(g)
	return m
}

func qfTemplate() quickfix.GroupTemplate {
	return quickfix.GroupTemplate{quickfix.GroupElement(279), quickfix.GroupElement(269),
		quickfix.GroupElement(55), quickfix.GroupElement(270), quickfix.GroupElement(271)}
}

func TestFeedAgainstQuickfix(t *testing.T) {
	port := freeport.TCP(t)
	settings, err := quickfix.ParseSettings(strings.NewReader(fmt.Sprintf("[DEFAULT]\nConnectionType=acceptor\n"+
		"SocketAcceptPort=%d\nSocketAcceptHost=127.0.0.1\nBeginString=FIX.4.4\nSenderCompID=QFMD\n"+
		"TargetCompID=SORMD\n[SESSION]\n", port)))
	if err != nil {
		t.Fatal(err)
	}
	q := &qfVenue{}
	a, err := quickfix.NewAcceptor(q, quickfix.NewMemoryStoreFactory(), settings, quickfix.NewNullLogFactory())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	c := newCollect(t)
	dl, _ := DialectByName("generic44")
	// An answer that is late is not asked for again: the requests are counted.
	const snapshot = 10 * second
	shift := int64(0) // ns by which our clock is ahead
	feed, err := NewFeed(FeedConfig{Config: Config{Dialect: dl, Symbols: testSymbols[:1], Sink: c.sink, StallNanos: second},
		Addr: fmt.Sprintf("127.0.0.1:%d", port), SenderCompID: "SORMD", TargetCompID: "QFMD", HeartBtIntSecs: 600,
		ConnectNanos: 5 * second, SilenceNanos: 900 * second, SnapshotNanos: snapshot, RetryNanos: second / 50,
		RetryMaxNanos: second})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	p, err := wire.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const want = "LIVE bid 100100x100 100000x50 99900x100 99800x101 99700x102 ask 100200x70"
	until := func(done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); !done(); {
			if time.Now().After(deadline) {
				t.Fatalf("%s, %v, %s, requests %v", feed.State(), feed.Err(), c.book(3), q.reqs)
			}
			if feed.Work(time.Now().UnixNano()+shift) == 0 {
				p.Wait(feed.PollFDs(nil), 10*time.Millisecond)
			}
		}
	}
	until(func() bool { return c.book(3).String() == want })
	shift = snapshot // the next request may go at once
	feed.Resync(time.Now().UnixNano()+shift, 3)
	if c.book(3).state != event.BookStale {
		t.Error(c.book(3))
	}
	until(func() bool { return c.book(3).String() == want })
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.reqs) != 3 || q.reqs[0][:1]+q.reqs[1][:1]+q.reqs[2][:1] != "121" || q.err != nil ||
		!strings.Contains(q.reqs[2], "|262=B0.2|263=1|") || feed.Stats().Malformed+feed.Stats().Session.RejectsIn != 0 {
		t.Errorf("%v %v", q.err, q.reqs)
	}
}
