package journal

import "testing"

func TestAScratchIsWrittenOverAndOver(t *testing.T) {
	w := Scratch()
	payload := make([]byte, 200)
	for range 10_000 {
		if err := w.Append(Event, 1, payload); err != nil {
			t.Fatal(err)
		}
		w.Discard()
	}
	full := 0
	for ; w.Append(Event, 1, payload) == nil; full++ {
	}
	if full == 0 || full > scratchBytes/len(payload) {
		t.Errorf("%d records fit without Discard", full)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestARunIsNoScratch(t *testing.T) {
	w, err := Create(t.TempDir()+"/run", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer func() {
		if recover() == nil {
			t.Error("the records of a run were discarded")
		}
	}()
	w.Discard()
}
