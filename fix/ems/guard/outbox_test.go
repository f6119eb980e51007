package guard

import (
	"bytes"
	"testing"
	"time"
)

func TestOutboxKeepsOrder(t *testing.T) {
	o := newOutbox(64)
	var want, got []byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			p, ok := o.take()
			if !ok {
				return
			}
			got = append(got, p...)
		}
	}()
	for i := range 1000 {
		p := bytes.Repeat([]byte{byte(i)}, i%33)
		want = append(want, p...)
		if !o.put(p, time.Minute) {
			t.Fatal("no room although somebody takes")
		}
	}
	o.close()
	<-done
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes came out, %d went in, or in another order", len(got), len(want))
	}
}

func TestOutboxGivesUp(t *testing.T) {
	o := newOutbox(10)
	if !o.put(make([]byte, 10), 0) || o.put([]byte("x"), time.Millisecond) {
		t.Error("want room for 10 bytes and no more")
	}
	if p, ok := o.take(); !ok || len(p) != 10 {
		t.Errorf("took %d bytes", len(p))
	}
	if !o.put([]byte("y"), 0) {
		t.Error("no room after a take")
	}
	o.close()
	if o.put([]byte("z"), time.Minute) {
		t.Error("put into a closed outbox")
	}
	if p, ok := o.take(); !ok || string(p) != "y" {
		t.Errorf("took %q, want what was there before the close", p)
	}
	if _, ok := o.take(); ok {
		t.Error("took from a closed and empty outbox")
	}
}
