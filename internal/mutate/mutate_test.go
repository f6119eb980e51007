package mutate

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
)

func inputs(n int) [][]reflect.Value {
	seed := []reflect.Value{reflect.ValueOf([]byte("8=FIX.4.4|9=12|35=0|10=001|")), reflect.ValueOf("text"), reflect.ValueOf(true),
		reflect.ValueOf(int32(-7)), reflect.ValueOf(uint8(200))}
	m := &maker{random: rand.New(rand.NewPCG(1, 1)), seeds: [][]reflect.Value{seed}}
	all := [][]reflect.Value{seed}
	for range n {
		all = append(all, m.change(all[len(all)-1]))
	}
	return all
}

// The same inputs come in every run, the one before is not touched, and they differ.
func TestInputsAreTheSameInEveryRun(t *testing.T) {
	a, b := inputs(5000), inputs(5000)
	seen := map[string]bool{}
	for i := range a {
		if text(a[i]) != text(b[i]) {
			t.Fatalf("input %d is %s, then %s", i, text(a[i]), text(b[i]))
		}
		seen[text(a[i])] = true
	}
	if !bytes.Equal(a[0][0].Bytes(), []byte("8=FIX.4.4|9=12|35=0|10=001|")) {
		t.Error("the seed was written to")
	}
	if len(seen) < len(a)*4/5 {
		t.Errorf("%d of %d inputs differ", len(seen), len(a))
	}
}

// FuzzRuns has a body that counts.
func FuzzRuns(tf *testing.F) {
	tf.Setenv(Executions, "1000")
	f := New(tf)
	f.Add([]byte("seed one"), uint8(1))
	f.Add([]byte("seed two"), uint8(2))
	runs, changed := 0, 0
	tf.Cleanup(func() {
		if runs != 1002 || changed < 900 {
			tf.Errorf("%d runs, %d of them with another input than a seed", runs, changed)
		}
	})
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		runs++
		if !bytes.HasPrefix(b, []byte("seed ")) || n > 2 || len(b) != 8 {
			changed++
		}
	})
}
