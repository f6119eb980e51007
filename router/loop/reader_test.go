package loop

import (
	"errors"
	"testing"
	"time"

	"penstock/book"
	"penstock/event"
	"penstock/internal/ring"
)

// TestReaderSeesTheBook asks a loop that runs, and one that does not turn.
func TestReaderSeesTheBook(t *testing.T) {
	seq := NewSequencer(testCore(t), nil, func(*event.Command) {})
	in := ring.New[event.Event](16)
	bell := NewBell()
	l := New(seq, []*ring.SPSC[event.Event]{in}, bell, IdlePark, func() int64 { return time.Now().UnixNano() }, nil)
	r, err := l.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	var late *LateError
	view, err := r.Read(book.Ask{Levels: 2}, time.Millisecond)
	if view != nil || !errors.As(err, &late) || late.Age != 0 || late.Waited < time.Millisecond {
		t.Fatalf("a loop that does not turn answered %+v, %v", view, err)
	}
	if _, err := r.Read(book.Ask{Instrument: 9}, time.Second); !errors.Is(err, ErrAsk) {
		t.Errorf("an unknown instrument: %v", err)
	}
	done := make(chan error)
	go func() { done <- l.Run() }()
	for _, e := range day() {
		for !in.Push(&e) {
		}
		bell.Ring()
	}
	const patience = 20 * time.Second
	for {
		if view, err = r.Read(book.Ask{Levels: 2}, patience); err != nil {
			t.Fatal(err)
		}
		if view.Seq >= uint64(len(day())) {
			break
		}
	}
	if view.Bid.Price != 500_000 || view.Ask.Price != 500_100 || len(view.Bids) != 1 || view.Bids[0].Sizes[0] != 100 ||
		view.Venues[0].State != event.BookLive || view.Signals.Condition != book.Normal {
		t.Errorf("view %+v", view)
	}
	l.Stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	seen := view.Seq
	view, err = r.Read(book.Ask{}, time.Millisecond)
	if !errors.As(err, &late) || late.Age <= 0 || view == nil || view.Seq != seen {
		t.Errorf("after the end: %+v, %v", view, err)
	}
	r.Close()
}

func TestReadersAreBounded(t *testing.T) {
	l := New(NewSequencer(testCore(t), nil, func(*event.Command) {}), nil, NewBell(), IdlePark,
		func() int64 { return 1000 }, nil)
	var readers []*Reader
	for range boardReaders {
		r, err := l.NewReader()
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	if _, err := l.NewReader(); !errors.Is(err, ErrReaders) {
		t.Errorf("one reader too many: %v", err)
	}
	readers[3].Close()
	if _, err := l.NewReader(); err != nil {
		t.Error(err)
	}
}
