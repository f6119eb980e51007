package state

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"unsafe"
)

type inner struct {
	flag bool
	n    int64
}

type sample struct {
	a    uint8
	b    uint64
	c    [3]inner
	_    uint32
	d    int16
	rest [2]uint8
}

func save(t testing.TB, f func(*Codec)) ([]byte, uint64) {
	t.Helper()
	var all []byte
	c := Saver(func(b []byte) error { all = append(all, b...); return nil })
	f(c)
	hash, n, err := c.Finish()
	if err != nil || n != int64(len(all)) {
		t.Fatal(n, len(all), err)
	}
	return all, hash
}

func value() sample {
	return sample{a: 1, b: 2, c: [3]inner{{true, -3}, {false, 4}, {true, 5}}, d: -6, rest: [2]uint8{7, 8}}
}

func TestWhatIsSavedIsLoadedWithoutPadding(t *testing.T) {
	v := value()
	dirty := v
	// Garbage between the fields must not be seen.
	b := unsafe.Slice((*byte)(unsafe.Pointer(&dirty)), unsafe.Sizeof(dirty))
	for i := 1; i < 8; i++ {
		b[i] = 0xee
	}
	clean, hash := save(t, func(c *Codec) { Fixed(c, &v) })
	same, again := save(t, func(c *Codec) { Fixed(c, &dirty) })
	if !bytes.Equal(clean, same) || hash != again || len(clean) != 1+8+3*9+2+2 {
		t.Fatalf("%d bytes, hashes %x %x", len(clean), hash, again)
	}
	var got sample
	c := Loader(clean)
	Fixed(c, &got)
	if _, _, err := c.Finish(); err != nil || got != v {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestEveryFieldIsInTheHash(t *testing.T) {
	base := value()
	_, before := save(t, func(c *Codec) { Fixed(c, &base) })
	l := layoutOf[sample]()
	for _, r := range l.runs {
		for i := r.at; i < r.at+r.len; i++ {
			v := value()
			b := unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v))
			b[i] ^= 1
			if _, hash := save(t, func(c *Codec) { Fixed(c, &v) }); hash == before {
				t.Errorf("byte %d does not count", i)
			}
		}
	}
}

func TestListsLargerThanTheBuffer(t *testing.T) {
	list := make([]sample, 20_000)
	for i := range list {
		list[i] = value()
		list[i].b = uint64(i)
	}
	b, hash := save(t, func(c *Codec) { List(c, &list) })
	got := make([]sample, 0, len(list))
	c := Loader(b)
	List(c, &got)
	if _, _, err := c.Finish(); err != nil || !reflect.DeepEqual(got, list) {
		t.Fatal(err)
	}
	if _, again := save(t, func(c *Codec) { List(c, &got) }); again != hash {
		t.Error("the hash depends on more than the content")
	}
}

func TestBytesThatAreNoStateAreRefused(t *testing.T) {
	list := make([]inner, 3, 4)
	good, _ := save(t, func(c *Codec) { Layout[inner](c); List(c, &list) })
	load := func(b []byte) error {
		got := make([]inner, 0, 4)
		c := Loader(b)
		Layout[inner](c)
		List(c, &got)
		_, _, err := c.Finish()
		return err
	}
	if err := load(good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if err := load(good[:n]); !errors.Is(err, ErrState) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	for _, c := range []struct {
		name string
		at   int
		b    byte
	}{{"another layout", 0, good[0] ^ 1}, {"more than fits", 4, 5}, {"a boolean of 2", 12, 2}} {
		b := bytes.Clone(good)
		b[c.at] = c.b
		if err := load(b); !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := load(append(bytes.Clone(good), 0)); !errors.Is(err, ErrState) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestPointersAreAMistake(t *testing.T) {
	for _, f := range []func(){
		func() { layoutOf[struct{ p *int }]() }, func() { layoutOf[struct{ s []int }]() }, func() { layoutOf[string]() },
		func() { layoutOf[struct{ f float64 }]() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("it was taken")
				}
			}()
			f()
		}()
	}
}

func BenchmarkSave(b *testing.B) {
	list := make([]sample, 100_000)
	b.SetBytes(int64(len(list)) * int64(layoutOf[sample]().bytes))
	b.ReportAllocs()
	for b.Loop() {
		c := Hasher()
		Slice(c, list)
		if _, _, err := c.Finish(); err != nil {
			b.Fatal(err)
		}
	}
}
