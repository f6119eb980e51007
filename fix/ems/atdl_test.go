package ems

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// atdl is what a ticket reads of a FIXatdl 1.1 file.
type atdl struct {
	IdentifierTag int  `xml:"strategyIdentifierTag,attr"`
	Group         bool `xml:"tag957Support,attr"`
	Strategies    []struct {
		Name       string          `xml:"name,attr"`
		WireValue  int64           `xml:"wireValue,attr"`
		Parameters []atdlParameter `xml:"Parameter"`
		Controls   []struct {
			Ref string `xml:"parameterRef,attr"`
		} `xml:"StrategyLayout>StrategyPanel>Control"`
	} `xml:"Strategy"`
}

type atdlParameter struct {
	Name    string `xml:"name,attr"`
	Type    string `xml:"type,attr"`
	Use     string `xml:"use,attr"`
	Tag     int    `xml:"fixTag,attr"`
	Minimum string `xml:"minValue,attr"`
	Maximum string `xml:"maxValue,attr"`
	True    string `xml:"trueWireValue,attr"`
	False   string `xml:"falseWireValue,attr"`
	Enum    []struct {
		Value string `xml:"wireValue,attr"`
	} `xml:"EnumPair"`
}

func readATDL(t *testing.T) *atdl {
	t.Helper()
	var file atdl
	if err := xml.Unmarshal(ATDL, &file); err != nil {
		t.Fatal(err)
	}
	if file.IdentifierTag != tagTargetStrategy || !file.Group {
		t.Fatalf("identifier tag %d, 957 supported %v", file.IdentifierTag, file.Group)
	}
	return &file
}

// atdlTypes are the FIXatdl types of StrategyParameterType(959), a value to send and one
// that is out of range.
var atdlTypes = map[string]struct{ number, good, bad string }{
	"UTCTimestamp_t": {"19", "", "20260101"},
	"Int_t":          {"1", "7", "0"},
	"Percentage_t":   {"11", "0.25", "1.5"},
	"Price_t":        {"8", "10.02", "10.001"},
	"Qty_t":          {"7", "50", "-1"},
	"String_t":       {"14", "HIGH", "SOON"},
	"Boolean_t":      {"13", "N", "maybe"},
}

func (p *atdlParameter) value() string {
	switch p.Name {
	case "StartTime":
		return "20991231-15:00:00.000"
	case "EndTime":
		return "20991231-16:00:00.000"
	case "MaxSliceQty":
		return "60"
	}
	return atdlTypes[p.Type].good
}

// atdlOrder builds the fields of an order with the parameters, leaving out those of without, and
// with value for the parameter that is named by instead.
func atdlOrder(id string, number int64, params []atdlParameter, inGroup bool, instead, value string) string {
	changes := fmt.Sprintf("11=%s|847=%d|38=1000", id, number)
	var grouped []string
	for i := range params {
		p := &params[i]
		v := p.value()
		if p.Name == instead {
			if v = value; v == "" {
				continue
			}
		}
		if p.Tag != 0 && !inGroup {
			changes += fmt.Sprintf("|%d=%s", p.Tag, v)
		} else {
			grouped = append(grouped, p.Name+" "+atdlTypes[p.Type].number+" "+v)
		}
	}
	if grouped != nil {
		changes += "|" + group(grouped...)
	}
	return build("D", changes)
}

// TestEveryParameterOfTheFileIsServed sends an order of each strategy with all parameters
// of the FIXatdl file, once by their own tags and once in the group: accepted, understood,
// and said back in the report as they were sent.
func TestEveryParameterOfTheFileIsServed(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	p := dial(t, a, 0).logon()
	for _, s := range readATDL(t).Strategies {
		for _, inGroup := range []bool{false, true} {
			id := fmt.Sprintf("%s-%v", s.Name, inGroup)
			p.send("D", atdlOrder(id, s.WireValue, s.Parameters, inGroup, "", ""))
			e := d.next(t, event.ParentNew)
			if e.Strategy.String() != s.Name || e.ID.String() != id {
				t.Fatalf("%s: event %+v", id, e)
			}
			b := newBook(a, &e, 7)
			b.report(t, market.ExecNew, market.StatusNew)
			m := p.expect("8")
			if got := get(m, tagTargetStrategy); got != fmt.Sprint(s.WireValue) {
				t.Errorf("%s: TargetStrategy %s in the report, want %d", id, got, s.WireValue)
			}
			said := echoed(m)
			for i := range s.Parameters {
				q := &s.Parameters[i]
				want := atdlTypes[q.Type].number + " " + q.value()
				if said[q.Name] != want {
					t.Errorf("%s: the report says %s=%q, want %q", id, q.Name, said[q.Name], want)
				}
			}
			if len(said) != len(s.Parameters) {
				t.Errorf("%s: the report says %v", id, said)
			}
		}
	}
}

// echoed reads the StrategyParametersGrp of a report: type and value by name.
func echoed(m *fix.Message) map[string]string {
	said, name, kind := map[string]string{}, "", ""
	for i := range m.Len() {
		switch tag, value := m.Field(i); tag {
		case tagStrategyParameterName:
			name = string(value)
		case tagStrategyParameterType:
			kind = string(value)
		case tagStrategyParameterValue:
			said[name] = kind + " " + string(value)
		}
	}
	return said
}

// TestTheFileIsRangeChecked spoils one parameter after the other, leaves the required ones
// out, and asks for what the file does not have.
func TestTheFileIsRangeChecked(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	p := dial(t, a, 0).logon()
	n, required, needed := 0, 0, 0
	refused := func(what, fields string) {
		t.Helper()
		p.send("D", fields)
		m := p.expect("8")
		if get(m, 39) != "8" || get(m, 58) == "" {
			t.Errorf("%s: %s, want a refusal with a text", what, pretty(m))
		}
	}
	id := func() string { n++; return fmt.Sprintf("O%d", n) }
	all := map[string]string{}
	for _, s := range readATDL(t).Strategies {
		for _, q := range s.Parameters {
			all[q.Name] = atdlTypes[q.Type].number
		}
	}
	for _, s := range readATDL(t).Strategies {
		has := map[string]bool{}
		for i := range s.Parameters {
			q := &s.Parameters[i]
			has[q.Name] = true
			refused(s.Name+" "+q.Name, atdlOrder(id(), s.WireValue, s.Parameters, true, q.Name, atdlTypes[q.Type].bad))
			if q.Use == "required" {
				required++
				refused(s.Name+" without "+q.Name, atdlOrder(id(), s.WireValue, s.Parameters, true, q.Name, ""))
			}
			if n := termNamed([]byte(q.Name)); n < 0 {
				t.Errorf("%s is not served", q.Name)
			} else if tag := terms[n].tag; tag != q.Tag {
				t.Errorf("%s has tag %d, the file says %d", q.Name, tag, q.Tag)
			}
		}
		controls := map[string]bool{}
		for _, c := range s.Controls {
			controls[c.Ref] = true
		}
		for name, kind := range all {
			if controls[name] != has[name] {
				t.Errorf("%s: parameter %s and its control do not agree", s.Name, name)
			}
			if !has[name] {
				fields := atdlOrder(id(), s.WireValue, append(s.Parameters[:len(s.Parameters):len(s.Parameters)],
					atdlParameter{Name: name, Type: typeNumbered(kind)}), true, "", "")
				refused(s.Name+" with "+name, fields)
			}
		}
		fields := atdlOrder(id(), s.WireValue, append(s.Parameters[:len(s.Parameters):len(s.Parameters)],
			atdlParameter{Name: "Hurry", Type: "Boolean_t"}), true, "", "")
		refused(s.Name+" with Hurry", fields)
	}
	for i := range terms {
		needed += len(terms[i].must)
		if all[terms[i].name] == "" {
			t.Errorf("%s is served and not in the file", terms[i].name)
		}
	}
	if required != needed {
		t.Errorf("the file requires %d parameters, %d are", required, needed)
	}
	for len(d.events) > 0 {
		if e := <-d.events; e.Kind == event.ParentNew {
			t.Errorf("%v is accepted", e.ID)
		}
	}
}

func typeNumbered(number string) string {
	for name, t := range atdlTypes {
		if t.number == number {
			return name
		}
	}
	return ""
}

// TestReplaceChangesAndKeepsTheStrategy replaces an order twice: with new parameters, then
// without a word of them. Both reports say what holds.
func TestReplaceChangesAndKeepsTheStrategy(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	p := dial(t, a, 0).logon()
	p.send("D", build("D", "847=1|"+group(endTime, "MaxSliceQty 7 50")))
	e := d.next(t, event.ParentNew)
	b := newBook(a, &e, 7)
	b.report(t, market.ExecNew, market.StatusNew)
	if said := echoed(p.expect("8")); said["MaxSliceQty"] != "7 50" {
		t.Errorf("%v", said)
	}
	p.send("G", build("G", "847=1|"+group(endTime, "MaxSliceQty 7 80", "CatchUp 13 N")))
	e = d.next(t, event.ParentReplace)
	if e.Strategy != event.StrategyVWAP || e.LastQty != 80 || e.Flags&event.NoCatchUp == 0 {
		t.Fatalf("event %+v", e)
	}
	b.order.ID, b.order.OrigID = e.ID, e.OrigID
	b.report(t, market.ExecReplaced, market.StatusReplaced)
	if said := echoed(p.expect("8")); said["MaxSliceQty"] != "7 80" || said["CatchUp"] != "13 N" {
		t.Errorf("%v", said)
	}
	p.send("G", build("G", "11=R2|41=R1"))
	e = d.next(t, event.ParentReplace)
	if e.Strategy != 0 || e.LastQty != 0 {
		t.Fatalf("event %+v", e)
	}
	b.order.ID, b.order.OrigID = e.ID, e.OrigID
	b.report(t, market.ExecReplaced, market.StatusReplaced)
	m := p.expect("8")
	if said := echoed(m); said["MaxSliceQty"] != "7 80" || !strings.Contains(pretty(m), "847=1|") {
		t.Errorf("%s", pretty(m))
	}
}
