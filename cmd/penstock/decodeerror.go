package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
)

// plain says an error of a JSON or TOML decoder in the words of whoever wrote the text, without Go's types.
func plain(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong):
		where := "the value"
		if wrong.Field != "" {
			where = wrong.Field
		}
		return fmt.Errorf("%s at byte %d is a %s: %s is needed", where, wrong.Offset, wrong.Value, kindText(wrong.Type))
	case errors.As(err, &syntax):
		return fmt.Errorf("at byte %d: %w", syntax.Offset, err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it ends in the middle")
	}
	return err
}

// kindText names what a value of a type is written as.
func kindText(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number" + bound(t, t.Bits()-1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative" + bound(t, t.Bits())
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "text in quotes"
	case reflect.Slice, reflect.Array:
		return "a list of " + strings.TrimPrefix(strings.TrimPrefix(kindText(t.Elem()), "a "), "an ")
	}
	return "a table"
}

// bound says up to where a number of so many bits goes, where somebody may come near.
func bound(t reflect.Type, bits int) string {
	if t.Bits() >= 64 {
		return ""
	}
	return fmt.Sprintf(" up to %d", uint64(1)<<bits-1)
}

// tomlTypes are the decoder's names of what stands in a configuration, and of what should.
var tomlTypes = map[string]string{"int64": "a whole number", "integer": "a whole number", "float64": "a number", "float": "a number",
	"string": "text in quotes", "primitive (string-like)": "text in quotes", "bool": "true or false", "boolean": "true or false",
	"slice": "a list", "[]interface {}": "a list", "[]any": "a list", "map": "a table", "map[string]any": "a table",
	"map[string]interface {}": "a table", "[]map[string]interface {}": "a list of tables, [[name]]", "[]map[string]any": "a list of tables, [[name]]",
	"time.Time": "a date"}

var (
	tomlMismatch = regexp.MustCompile(`incompatible types: TOML value has type (.+); destination has type (.+)$`)
	tomlTable    = regexp.MustCompile(`type mismatch for \S+: expected table but found (.+)$`)
	tomlRange    = regexp.MustCompile(`^(.*) is out of range for (\S+)$`)
)

// plainTOML is plain for what the TOML decoder says of a value.
func plainTOML(text string) string {
	name := func(t string) string {
		if is, ok := tomlTypes[t]; ok {
			return is
		}
		return "something else"
	}
	if m := tomlMismatch.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("it is %s: %s is needed", name(m[1]), name(m[2]))
	}
	if m := tomlTable.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("it is %s: one table, [name], is needed", name(m[1]))
	}
	if m := tomlRange.FindStringSubmatch(text); m != nil {
		return m[1] + " is out of range"
	}
	return text
}
