package ems

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"penstock/event"
	"penstock/fix"
)

// fields of an order, cancel, replace and status request that are in order; a
// case changes some of them.
var wellFormed = map[string]map[int]string{
	"D": {11: "O1", 55: "ACME", 54: "1", 38: "100", 40: "2", 44: "10.01", 59: "0", 847: "1000"},
	"F": {11: "C1", 41: "O1", 55: "ACME", 54: "1"},
	"G": {11: "R1", 41: "O1", 55: "ACME", 54: "1", 38: "200", 40: "2", 44: "10.02"},
	"H": {11: "O1", 55: "ACME", 54: "1"},
}

// build applies changes such as "38=-5|44=" (a tag without value is left out) to
// the well-formed message; what follows "+" is appended as it is.
func build(msgType, changes string) string {
	fields := map[int]string{}
	for tag, value := range wellFormed[msgType] {
		fields[tag] = value
	}
	if msgType != "H" {
		fields[60] = now()
	}
	changes, extra, _ := strings.Cut(changes, "+")
	for _, change := range strings.Split(changes, "|") {
		if text, value, ok := strings.Cut(change, "="); ok {
			var tag int
			fmt.Sscan(text, &tag)
			if fields[tag] = value; value == "" {
				delete(fields, tag)
			}
		}
	}
	tags := make([]int, 0, len(fields))
	for tag := range fields {
		tags = append(tags, tag)
	}
	sort.Ints(tags)
	var b strings.Builder
	for _, tag := range tags {
		fmt.Fprintf(&b, "%d=%s|", tag, fields[tag])
	}
	return b.String() + extra
}

// twap is the part of an order that makes it a TWAP, in build's notation.
const twap = "847=1001|"

func group(params ...string) string {
	b := fmt.Sprintf("+957=%d|", len(params))
	for _, p := range params {
		part := strings.Split(p, " ")
		b += "958=" + part[0] + "|959=" + part[1] + "|960=" + part[2] + "|"
	}
	return b
}

const (
	endTime   = "EndTime 19 20991231-16:00:00"
	startTime = "StartTime 19 20991231-15:00:00"
)

// corpus lists what is refused and how: the answer's type, then fields that it
// must have, as tag=value or, for Text(58), as a part of it.
var corpus = []struct {
	msgType, changes, want string
	text                   string
}{
	// Fields that are missing: Reject(3), SessionRejectReason(373)=1.
	{"D", "11=", "3|373=1|371=11", "ClOrdID(11)"},
	{"D", "55=", "3|373=1|371=55", ""},
	{"D", "54=", "3|373=1|371=54", ""},
	{"D", "38=", "3|373=1|371=38", ""},
	{"D", "40=", "3|373=1|371=40", ""},
	{"D", "60=", "3|373=1|371=60", ""},
	{"F", "41=", "3|373=1|371=41", ""},
	{"G", "38=", "3|373=1|371=38", ""},
	{"H", "11=", "3|373=1|371=11", ""},
	// Fields that are empty, twice, out of order or no number.
	{"D", "+58=|", "3|373=4|371=58", ""},
	{"D", "+11=|", "3|373=4|371=11", ""},
	{"D", "+55=ACME|", "3|373=13|371=55", ""},
	{"D", "+58=a|58=b|", "3|373=13|371=58", ""},
	{"D", "38=abc", "3|373=6|371=38", ""},
	{"D", "38=1e3", "3|373=6|371=38", ""},
	{"D", "38=NaN", "3|373=6|371=38", ""},
	{"D", "38= 5", "3|373=6|371=38", ""},
	{"D", "44=10,01", "3|373=6|371=44", ""},
	{"D", "44=0x10", "3|373=6|371=44", ""},
	{"D", "60=yesterday", "3|373=6|371=60", ""},
	{"D", "60=20261301-10:00:00", "3|373=6|371=60", ""},
	{"D", "847=SWEEP", "3|373=6|371=847", ""},
	{"F", "60=20260229-10:00:00", "3|373=6|371=60", ""},
	// Identifiers that cannot be used are not said back.
	{"D", "11=has space", "3|373=5|371=11", "A-Z a-z 0-9 _ -"},
	{"D", "11=../../etc/passwd", "3|373=5|371=11", ""},
	{"D", "11=<script>", "3|373=5|371=11", ""},
	{"D", "11=123456789012345678901", "3|373=5|371=11", ""},
	{"F", "41=caf\xc3\xa9", "3|373=5|371=41", ""},
	{"H", "790=a b", "3|373=5|371=790", ""},
	// Conditionally required: BusinessMessageReject(j), 380=5.
	{"D", "44=", "j|380=5|379=O1|372=D", "Price(44)"},
	{"G", "44=", "j|380=5|379=R1|372=G", "Price(44)"},
	// Values that the order may not have: ExecutionReport(8).
	{"D", "55=NOPE", "8|103=1|11=O1|55=NOPE", "NOPE"},
	{"D", "54=5|114=Y", "8|103=99|11=O1|54=5", "nobody locates stock here"},
	{"D", "54=6|114=Y|5700=ABCD", "8|103=99|11=O1|54=6", "nobody locates stock here"},
	{"D", "54=5|114=x", "3|373=5|371=114", ""},
	{"D", "54=5|5700=ABCD", "8|103=99|11=O1", "without LocateReqd(114)=N"},
	{"D", "54=5|114=N|5700=has space", "8|103=99|11=O1", "1 to 20 characters"},
	{"D", "54=2|114=N", "8|103=99|11=O1", "of short sales"},
	{"D", "54=1|5700=ABCD", "8|103=99|11=O1", "of short sales"},
	{"D", "54=3", "8|103=11|11=O1", "Side(54)=3"},
	{"G", "54=5|114=Y", "9|434=2", "nobody locates stock here"},
	{"D", "54=buy", "8|103=11|11=O1", "Side(54)=buy"},
	{"D", "40=3", "8|103=11|11=O1", "OrdType(40)=3"},
	{"D", "40=P", "8|103=11|11=O1", "OrdType(40)=P"},
	{"D", "59=2", "8|103=11|11=O1", "TimeInForce(59)=2"},
	{"D", "59=7", "8|103=11|11=O1", "TimeInForce(59)=7"},
	{"D", "21=3", "8|103=11|11=O1", "HandlInst(21)=3"},
	{"D", "63=2", "8|103=11|11=O1", "SettlType(63)=2"},
	{"D", "15=EUR", "8|103=11|11=O1", "trades in USD"},
	{"D", "38=0", "8|103=13|11=O1", "positive"},
	{"D", "38=-100", "8|103=13|11=O1", "positive"},
	{"D", "38=1.5", "8|103=13|11=O1", "more than 0 decimals"},
	{"D", "55=BTC-USDT|38=0.00005", "8|103=13|11=O1", "multiple of 0.0001"},
	{"D", "38=99999999999999999999", "8|103=13|11=O1", "out of range"},
	{"D", "38=9000000000000000000", "8|103=3|11=O1", "out of range"},
	{"D", "44=0", "8|103=16|11=O1", "positive"},
	{"D", "44=-1", "8|103=16|11=O1", "positive"},
	{"D", "44=10.005", "8|103=16|11=O1", "multiple of 0.0100"},
	{"D", "44=10.00001", "8|103=16|11=O1", "more than 4 decimals"},
	{"D", "40=1", "8|103=16|11=O1", "market order"},
	// Fields that would change the order.
	{"D", "99=9.5", "8|103=11|11=O1", "StopPx(99)"},
	{"D", "110=100", "8|103=11|11=O1", "MinQty(110)"},
	{"D", "111=100", "8|103=99|11=O1", "MaxFloor(111): SWEEP has no such parameter"},
	{"D", "1138=100", "8|103=99|11=O1", "DisplayQty(1138): SWEEP has no such parameter"},
	{"D", "1084=3", "8|103=11|11=O1", "DisplayMethod(1084)"},
	{"D", "210=100", "8|103=11|11=O1", "MaxShow(210)"},
	{"D", "18=M", "8|103=11|11=O1", "ExecInst(18)"},
	{"D", "100=XLIT", "8|103=11|11=O1", "ExDestination(100)"},
	{"D", "432=20991231", "8|103=99|11=O1", "ExpireDate(432) without TimeInForce(59)=6"},
	{"D", "59=1|432=20991231", "8|103=99|11=O1", "ExpireDate(432) without TimeInForce(59)=6"},
	{"D", "59=6", "8|103=99|11=O1", "needs ExpireDate(432) or ExpireTime(126)"},
	{"D", "59=6|432=20991231|126=20991231-16:00:00", "8|103=99|11=O1", "give one"},
	{"D", "59=6|432=20991331", "3|373=6|371=432", ""},
	{"D", "59=6|432=2099-12-31", "3|373=6|371=432", ""},
	{"D", "59=6|432=20260229", "3|373=6|371=432", ""},
	{"D", "59=6|432=00000000", "3|373=6|371=432", ""},
	{"D", "59=6|126=tomorrow", "3|373=6|371=126", ""},
	{"G", "432=20991231", "9|434=2", "ExpireDate(432) without TimeInForce(59)=6"},
	{"D", "848=x", "8|103=99|11=O1", "TargetStrategyParameters(848)"},
	{"D", "9303=U", "8|103=11|11=O1", "tag 9303"},
	{"D", "41=X", "8|103=11|11=O1", "OrigClOrdID(41)"},
	// Strategies and their parameters.
	{"D", "847=", "8|103=11|11=O1", "1000 SWEEP, 1001 TWAP"},
	{"D", "847=1006", "8|103=11|11=O1", "1000 SWEEP, 1001 TWAP"},
	{"D", "847=4", "8|103=11|11=O1", "1005 SEEK"},
	{"D", "849=0.1", "8|103=99|11=O1", "ParticipationRate(849)"},
	{"D", "848=LOW", "8|103=99|11=O1", "TargetStrategyParameters(848)"},
	// What the strategies added later do not take.
	{"D", "847=2|126=20991231-16:00:00", "8|103=99|11=O1", "POV needs ParticipationRate"},
	{"D", "847=2|849=0.1", "8|103=99|11=O1", "POV needs EndTime"},
	{"D", "847=2|849=ten|126=20991231-16:00:00", "3|373=6|371=849", ""},
	{"D", "847=2|849=10|126=20991231-16:00:00", "8|103=99|11=O1", "0.1 is ten per cent"},
	{"D", "847=2|849=0|126=20991231-16:00:00", "8|103=99|11=O1", "above 0"},
	{"D", "847=2|849=0.12345|126=20991231-16:00:00", "3|373=6|371=849", ""},
	{"D", "847=2|849=0.1|" + group(endTime, "ParticipationRate 11 0.2"), "8|103=99|11=O1", "given twice, or beside ParticipationRate(849)"},
	{"D", "847=2|849=0.1|" + group(endTime, "MaxParticipationRate 11 0.2"), "8|103=99|11=O1", "POV knows"},
	{"D", "847=3|848=FAST|126=20991231-16:00:00", "3|373=6|371=848", ""},
	{"D", "847=3|" + group(endTime, "Urgency 14 low"), "8|103=99|11=O1", "LOW, MEDIUM or HIGH"},
	{"D", "847=1|" + group(endTime, "Urgency 14 LOW"), "8|103=99|11=O1", "VWAP knows"},
	{"D", "847=1|" + group(endTime, "CatchUp 13 yes"), "8|103=99|11=O1", "must be Y or N"},
	{"D", "847=1|" + group(endTime, "IWouldPrice 8 0"), "8|103=99|11=O1", "IWouldPrice=0"},
	{"D", "847=1|" + group(endTime, "IWouldPrice 8 -5"), "8|103=99|11=O1", "must be positive"},
	{"D", "847=1|" + group(endTime, "MaxSliceQty 7 nan"), "8|103=99|11=O1", "must be a number"},
	{"D", "847=1|" + group(endTime, "MaxSliceQty 7 0"), "8|103=99|11=O1", "must be positive"},
	{"D", "847=1|" + group(endTime, "MinSliceQty 7 200", "MaxSliceQty 7 100"), "8|103=99|11=O1", "above MaxSliceQty"},
	{"D", "847=1005|" + group(endTime, "SliceSeconds 1 5"), "8|103=99|11=O1", "SEEK knows"},
	{"D", "847=1|111=50|1138=50|126=20991231-16:00:00", "8|103=99|11=O1", "give one"},
	{"D", "847=1|111=0|126=20991231-16:00:00", "8|103=99|11=O1", "must be positive"},
	{"D", "847=1|111=-1|126=20991231-16:00:00", "8|103=99|11=O1", "must be positive"},
	{"D", "847=1|111=x|126=20991231-16:00:00", "3|373=6|371=111", ""},
	{"D", "847=1|1138=x|126=20991231-16:00:00", "3|373=6|371=1138", ""},
	{"D", "847=1|38=100|111=101|126=20991231-16:00:00", "8|103=99|11=O1", "MaxFloor(111)=101: must be at most OrderQty(38), which is 100"},
	{"D", "847=1|55=BTC-USDT|38=1|111=0.00005|126=20991231-16:00:00", "8|103=99|11=O1", "multiple of the instrument's lot"},
	{"D", "847=1005|111=50|126=20991231-16:00:00", "8|103=99|11=O1", "SEEK has no such parameter"},
	{"D", "847=1|111=50|" + group(endTime, "DisplayQty 7 50"), "8|103=99|11=O1", "DisplayQty is given twice, or beside MaxFloor(111)"},
	{"G", "111=0", "9|434=2", "must be positive"},
	{"G", "38=10|111=20", "9|434=2", "at most OrderQty(38)"},
	{"G", "848=LOW", "9|434=2", "names TargetStrategy(847)"},
	{"G", "849=0.1", "9|434=2", "names TargetStrategy(847)"},
	{"G", "126=20991231-16:00:00", "9|434=2", "names TargetStrategy(847)"},
	{"G", group(endTime), "9|434=2", "names TargetStrategy(847)"},
	{"G", "847=1009", "9|434=2", "not known"},
	{"D", "847=66536", "8|103=11|11=O1", "66536"}, // 1000 in 16 bits
	{"D", group(endTime), "8|103=99|11=O1", "EndTime: SWEEP knows no parameters"},
	{"D", "126=20991231-16:00:00", "8|103=99|11=O1", "ExpireTime(126)"},
	{"D", "168=20991231-16:00:00", "8|103=99|11=O1", "EffectiveTime(168)"},
	{"D", twap, "8|103=99|11=O1", "needs EndTime"},
	{"D", twap + group("Aggression 1 3"), "8|103=99|11=O1", "Aggression"},
	{"D", twap + group("endtime 19 20991231-16:00:00"), "8|103=99|11=O1", "endtime"},
	{"D", twap + group("EndTime 14 20991231-16:00:00"), "8|103=99|11=O1",
		"StrategyParameterType(959)=14"},
	{"D", twap + group("EndTime 19 16:00:00"), "8|103=99|11=O1", "EndTime=16:00:00"},
	{"D", twap + group(endTime, endTime), "8|103=99|11=O1", "EndTime is given twice"},
	{"D", twap + "126=20991231-16:00:00|" + group(endTime), "8|103=99|11=O1", "ExpireTime(126)"},
	{"D", twap + group("EndTime 19 20991231-16:00:00", "StartTime 19 20991231-16:00:00"),
		"8|103=99|11=O1", "not after"},
	{"D", twap + group(endTime, "SliceSeconds 1 0"), "8|103=99|11=O1", "SliceSeconds=0"},
	{"D", twap + group(endTime, "SliceSeconds 1 1.5"), "8|103=99|11=O1", "SliceSeconds=1.5"},
	{"D", twap + group(endTime, "SliceSeconds 6 5"), "8|103=99|11=O1", "959)=6"},
	{"D", twap + group(endTime, "SliceSeconds 1 5", "SliceSeconds 1 6"), "8|103=99|11=O1", "twice"},
	{"D", twap + "+957=2|958=EndTime|959=19|960=20991231-16:00:00|", "3|373=16|371=957", ""},
	{"D", twap + "+957=x|958=EndTime|", "3|373=6|371=957", ""},
	{"D", twap + "+957=1|958=EndTime|960=20991231-16:00:00|", "3|373=1|371=959", ""},
	{"D", twap + "+957=1|958=EndTime|959=19|", "3|373=1|371=960", ""},
	{"D", twap + "+957=1|958=EndTime|959=19|959=19|960=1|", "3|373=13|371=959", ""},
	{"D", twap + "+957=1|959=19|958=EndTime|960=1|", "3|373=14|371=959", ""},
	{"D", twap + "+958=EndTime|959=19|960=1|", "3|373=14|371=958", ""},
	{"D", twap + "126=soon", "3|373=6|371=126", ""},
	// Cancels and replaces of an order that the client was never told of.
	{"F", "55=NOPE", "9|102=99|11=C1|41=O1|434=1|39=8|37=NONE", "NOPE"},
	{"F", "99=1", "9|102=99|434=1", "StopPx(99)"},
	{"G", "54=2|38=0", "9|102=99|11=R1|434=2", "positive"},
	{"G", "847=1001", "9|434=2", "TWAP needs EndTime"},
	{"G", "40=4", "9|434=2", "OrdType(40)=4"},
	{"H", "55=NOPE", "j|380=2|379=O1", "NOPE"},
	{"H", "38=5", "j|380=0|379=O1", "OrderQty(38)"},
	// What a client does not know must be named.
	{"Q", "17=1|37=7", "3|373=1|371=127", "DKReason(127)"},
	{"Q", "37=7|127=D", "3|373=1|371=17", ""},
	{"Q", "17=1|127=D", "3|373=1|371=37", ""},
	{"Q", "17=1|37=seven|127=D", "3|373=5|371=37", ""},
	{"Q", "17=1|37=7|127=Q", "3|373=5|371=127", ""},
	{"Q", "17=a b|37=7|127=D", "3|373=5|371=17", ""},
	// Messages that are not served.
	{"q", "11=M1|530=7", "j|380=3|372=q", "only D, F, G, H and Q"},
	{"8", "11=M1", "j|380=3|372=8", ""},
	{"ZZ", "11=M1", "j|380=3|372=ZZ", ""},
}

func TestCorpusOfRefusals(t *testing.T) {
	t.Parallel()
	d := newDesk()
	a := listen(t, testConfig(t, d, 1))
	p := dial(t, a, 0).logon()
	execIDs := map[string]bool{}
	for _, c := range corpus {
		fields := build(c.msgType, c.changes)
		p.send(c.msgType, fields)
		m := p.read()
		want := strings.Split(c.want, "|")
		if string(m.Type()) != want[0] {
			t.Errorf("35=%s|%s\nanswered by %s\nwant 35=%s", c.msgType, fields, pretty(m), want[0])
			continue
		}
		for _, w := range want[1:] {
			tag, value, _ := strings.Cut(w, "=")
			var n int
			fmt.Sscan(tag, &n)
			if get(m, n) != value {
				t.Errorf("35=%s|%s\nanswered by %s\nwant %s", c.msgType, fields, pretty(m), w)
			}
		}
		if !strings.Contains(get(m, 58), c.text) {
			t.Errorf("35=%s|%s\nanswered by %s\nwant a text with %q", c.msgType, fields, pretty(m), c.text)
		}
		if want[0] == "8" {
			checkRefusal(t, m, execIDs)
		}
	}
	p.ping()
	for {
		select {
		case e := <-d.events:
			if e.Kind != event.ClientSession {
				t.Errorf("a refused message reached the router: %+v", e)
			}
			continue
		default:
		}
		break
	}
	if s := a.Stats(); s.Refused+s.Malformed != uint64(len(corpus)) {
		t.Errorf("%d refused and %d malformed, want %d together", s.Refused, s.Malformed, len(corpus))
	}
}

// checkRefusal checks what FIX 4.4 requires of an ExecutionReport(8).
func checkRefusal(t *testing.T, m *fix.Message, execIDs map[string]bool) {
	t.Helper()
	for tag, want := range map[int]string{37: "NONE", 150: "8", 39: "8", 14: "0", 151: "0", 6: "0"} {
		if get(m, tag) != want {
			t.Errorf("%s: want %d=%s", pretty(m), tag, want)
		}
	}
	for _, tag := range []int{11, 17, 54, 55, 60} {
		if get(m, tag) == "" {
			t.Errorf("%s: tag %d is missing", pretty(m), tag)
		}
	}
	if id := get(m, 17); execIDs[id] {
		t.Errorf("ExecID %s used twice", id)
	} else {
		execIDs[id] = true
	}
}

func TestRefusedReplaceNamesTheOrder(t *testing.T) {
	t.Parallel()
	a := listen(t, testConfig(t, newDesk(), 1))
	p := dial(t, a, 0).logon()
	c := testReport(0, 1)
	a.Report(&c)
	p.expect("8")
	p.send("G", build("G", "41=order-1|38=0"))
	if m := p.expect("9"); get(m, 37) != "7" || get(m, 39) != "0" || get(m, 102) != "99" {
		t.Errorf("%s: want OrderID 7, OrdStatus New, reason other", pretty(m))
	}
}

func TestDefaultStrategy(t *testing.T) {
	t.Parallel()
	d := newDesk()
	cfg := testConfig(t, d, 1)
	cfg.DefaultStrategy = event.StrategySweep
	a := listen(t, cfg)
	p := dial(t, a, 0).logon()
	p.send("D", build("D", "847="))
	if e := d.next(t, event.ParentNew); e.Strategy != event.StrategySweep {
		t.Errorf("event %+v, want a sweep", e)
	}
	p.send("D", build("D",
		"11=O2|59=|21=1|63=0|15=USD|1=ACC|58=hello|528=A|453=1|+448=me|447=D|452=1|"))
	if e := d.next(t, event.ParentNew); e.ID.String() != "O2" || e.TIF != '0' {
		t.Errorf("event %+v, want order O2", e)
	}
	p.send("D", build("D", "11=O3|97=Y|"+twap+group(endTime, startTime, "SliceSeconds 1 30")))
	if e := d.next(t, event.ParentNew); e.SliceNanos != 30e9 || e.StartTime >= e.Until {
		t.Errorf("event %+v, want slices of 30 s", e)
	}
}
