// Package statetest finds fields that a MoveState function forgot. It is for tests.
package statetest

import (
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"penstock/internal/state"
)

// Covered changes every field of *p by itself, in its first and last byte, and demands that
// the hash of what save saves changes with it. Fields in exempt, each of which needs a reason
// beside its name, must exist and are left alone. A slice must have an element.
func Covered[T any](t testing.TB, p *T, save func(*state.Codec), exempt map[string]string) {
	t.Helper()
	typ := reflect.TypeFor[T]()
	hash := func() (h uint64) {
		defer func() {
			if recover() != nil {
				h = 1 // a count that leads out of its slice was seen
			}
		}()
		c := state.Hasher()
		save(c)
		h, _, err := c.Finish()
		if err != nil {
			return 2
		}
		return h
	}
	var names []string
	before := hash()
	for i := range typ.NumField() {
		f := typ.Field(i)
		names = append(names, f.Name)
		if exempt[f.Name] != "" || f.Name == "_" {
			continue
		}
		at := unsafe.Add(unsafe.Pointer(p), f.Offset)
		elem := f.Type
		if f.Type.Kind() == reflect.Slice {
			v := reflect.NewAt(f.Type, at).Elem()
			if v.Len() == 0 {
				t.Errorf("%v.%s is empty: the test cannot see whether State has it", typ, f.Name)
				continue
			}
			at, elem = v.UnsafePointer(), f.Type.Elem()
		}
		leaves, ok := bytesOf(elem, 0)
		if !ok || len(leaves) == 0 {
			t.Errorf("%v.%s has pointers: give it a line in MoveState, and a word in the test's list", typ, f.Name)
			continue
		}
		for _, off := range []uintptr{leaves[0], leaves[len(leaves)-1]} {
			b := (*byte)(unsafe.Add(at, off))
			*b ^= 1
			if hash() == before {
				t.Errorf("%v.%s is not in MoveState: a restart would lose it, and no hash would tell", typ, f.Name)
			}
			*b ^= 1
		}
	}
	for name, why := range exempt {
		if !slices.Contains(names, name) || why == "" {
			t.Errorf("%v has no field %s, or no reason is given", typ, name)
		}
	}
	if hash() != before {
		t.Errorf("%v: the check itself changed it", typ)
	}
}

// bytesOf returns the places of all bytes that are no padding; of a boolean and of an integer
// the lowest.
func bytesOf(t reflect.Type, at uintptr) (places []uintptr, ok bool) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Name == "_" {
				continue
			}
			more, ok := bytesOf(f.Type, at+f.Offset)
			if !ok {
				return nil, false
			}
			places = append(places, more...)
		}
		return places, true
	case reflect.Array:
		for i := range t.Len() {
			more, ok := bytesOf(t.Elem(), at+uintptr(i)*t.Elem().Size())
			if !ok {
				return nil, false
			}
			places = append(places, more...)
		}
		return places, true
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return []uintptr{at}, true
	}
	return nil, false
}
