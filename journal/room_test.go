package journal

import (
	"errors"
	"testing"
)

// TestRoomFallsWithRecordsAndComesBack fills the ring of a journal that stands still.
func TestRoomFallsWithRecordsAndComesBack(t *testing.T) {
	held, entered := make(chan struct{}), make(chan struct{}, 1<<16)
	w, err := Create(t.TempDir()+"/run", Options{SegmentBytes: 64 << 20, RingBytes: minRingBytes,
		OnDurable: func() { entered <- struct{}{}; <-held }})
	if err != nil {
		t.Fatal(err)
	}
	free, size := w.Room()
	if size != minRingBytes || free != size {
		t.Errorf("an empty ring of %d has room for %d of %d", minRingBytes, free, size)
	}
	payload := make([]byte, 4000)
	if err := w.Append(Event, 1, payload); err != nil {
		t.Fatal(err)
	}
	<-entered
	for err == nil {
		before, _ := w.Room()
		if err = w.Append(Event, 1, payload); err == nil {
			if after, _ := w.Room(); after > before && before < size/2 {
				t.Fatalf("room rose from %d to %d while nothing was written", before, after)
			}
		}
	}
	if free, _ := w.Room(); !errors.Is(err, ErrFull) || free >= 2*recordSize(len(payload)) {
		t.Errorf("%v with room for %d", err, free)
	}
	close(held)
	for free < size {
		free, _ = w.Room()
		if w.Err() != nil {
			t.Fatal(w.Err())
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
