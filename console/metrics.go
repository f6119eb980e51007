package console

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ContentType is that of what Metrics writes (Prometheus text format, version 0.0.4).
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Namespace begins every name.
const Namespace = "penstock_"

// Label tells samples of one name apart.
type Label struct{ Name, Value string }

// Index says what the places of an array are: as which label, and with which value.
type Index struct {
	Label string
	Value func(i int) string
}

// Metrics are samples at one moment, in the order in which their names came first. The zero value has none. It belongs
// to one goroutine.
type Metrics struct {
	Help     func(name string) string // of a name without its Namespace; nil: there is none
	families []*family
	named    map[string]*family
}

// family is all samples of one name.
type family struct {
	name, kind string
	origin     string // type and field that it was read of; empty: it was made by hand
	samples    []byte
}

// Counter adds what only rises. name has neither Namespace nor "_total".
func (m *Metrics) Counter(name string, n uint64, labels ...Label) {
	f := m.family(name+"_total", "counter", "")
	f.sample("", labels, strconv.FormatUint(n, 10))
}

// Gauge adds what goes up and down.
func (m *Metrics) Gauge(name string, x float64, labels ...Label) {
	f := m.family(name, "gauge", "")
	f.sample("", labels, formatFloat(x))
}

// Durations adds a histogram in seconds, of which bucket i counts what took less than 1<<i ns and is in no bucket
// before it, and the last one all that is longer. sumNanos is all of them together.
func (m *Metrics) Durations(name string, buckets []uint64, sumNanos uint64, labels ...Label) {
	f := m.family(name+"_seconds", "histogram", "")
	count := uint64(0)
	for i, n := range buckets {
		count += n
		le := "+Inf"
		if i < len(buckets)-1 {
			le = formatFloat(float64(uint64(1)<<i) / 1e9)
		}
		f.sample("_bucket", append(slices.Clip(labels), Label{"le", le}), strconv.FormatUint(count, 10))
	}
	f.sample("_sum", labels, formatFloat(float64(sumNanos)/1e9))
	f.sample("_count", labels, strconv.FormatUint(count, 10))
}

// Stats adds every number of a struct: a uint64 is a counter, an int or a bool a gauge, a struct in it its fields
// behind its name, unless it is embedded. Names are those of the fields. Texts are left out. The places of an array are
// told apart as index says of the field, and those of counters that are 0 are left out.
func (m *Metrics) Stats(prefix string, stats any, index map[string]Index, labels ...Label) {
	m.fields(prefix, reflect.ValueOf(stats), index, labels)
}

func (m *Metrics) fields(prefix string, v reflect.Value, index map[string]Index, labels []Label) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name := prefix + "_" + snake(f.Name)
		if f.Anonymous {
			name = prefix
		}
		m.value(name, v.Type().String()+"."+f.Name, f.Name, v.Field(i), index, labels)
	}
}

func (m *Metrics) value(name, origin, field string, v reflect.Value, index map[string]Index, labels []Label) {
	switch v.Kind() {
	case reflect.Uint64:
		m.family(name+"_total", "counter", origin).sample("", labels, strconv.FormatUint(v.Uint(), 10))
	case reflect.Int, reflect.Int32, reflect.Int64:
		m.family(name, "gauge", origin).sample("", labels, strconv.FormatInt(v.Int(), 10))
	case reflect.Bool:
		n := map[bool]string{false: "0", true: "1"}[v.Bool()]
		m.family(name, "gauge", origin).sample("", labels, n)
	case reflect.Struct:
		m.fields(name, v, index, labels)
	case reflect.Array:
		x, ok := index[field]
		if !ok {
			x = Index{"index", strconv.Itoa}
		}
		for i := range v.Len() {
			if v.Index(i).Kind() == reflect.Uint64 && v.Index(i).IsZero() {
				continue
			}
			m.value(name, origin, field, v.Index(i), index, append(slices.Clip(labels), Label{x.Label, x.Value(i)}))
		}
	}
}

// family returns the one of a name, which must always be of the same kind: a name is a constant of the program.
func (m *Metrics) family(name, kind, origin string) *family {
	f := m.named[name]
	switch {
	case f == nil:
		f = &family{name: name, kind: kind, origin: origin}
		if m.named == nil {
			m.named = map[string]*family{}
		}
		m.named[name], m.families = f, append(m.families, f)
	case f.kind != kind:
		panic(fmt.Sprintf("console: %s is a %s and a %s", name, f.kind, kind))
	}
	return f
}

func (f *family) sample(suffix string, labels []Label, value string) {
	b := append(f.samples, Namespace...)
	b = append(append(b, f.name...), suffix...)
	for i, l := range labels {
		b = append(b, "{,"[min(i, 1)])
		b = append(append(b, l.Name...), '=', '"')
		b = append(append(b, escape(l.Value, true)...), '"')
	}
	if len(labels) > 0 {
		b = append(b, '}')
	}
	f.samples = append(append(append(b, ' '), value...), '\n')
}

// Names yields the names with their kinds and, for those that were read of structs, type and field.
func (m *Metrics) Names(yield func(name, kind, origin string) bool) {
	for _, f := range m.families {
		if !yield(f.name, f.kind, f.origin) {
			return
		}
	}
}

// WriteTo writes all of it.
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	for _, f := range m.families {
		if m.Help != nil {
			fmt.Fprintf(&b, "# HELP %s%s %s\n", Namespace, f.name, escape(m.Help(f.name), false))
		}
		fmt.Fprintf(&b, "# TYPE %s%s %s\n%s", Namespace, f.name, f.kind, f.samples)
	}
	return b.WriteTo(w)
}

// escape makes text fit for a label's value, or for a help line.
func escape(text string, label bool) string {
	if label {
		return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(strings.ToValidUTF8(text, "�"))
	}
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text)
}

func formatFloat(x float64) string {
	if math.IsInf(x, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// snake writes a field's name as metrics are written: CancelRejects, cancel_rejects.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
