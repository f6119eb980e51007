package simtest

import (
	"bytes"
	"strconv"
	"strings"

	"penstock/event"
)

// readFrames reads the application messages in bytes as plainly as can be: fields between
// separators, into a map. It shares nothing with the codec that it is to check.
func readFrames(b []byte) (all []message) {
	for _, frame := range bytes.SplitAfter(b, []byte("\x0110=")) {
		f := map[string]string{}
		for _, field := range strings.Split(string(frame), "\x01") {
			if tag, value, ok := strings.Cut(field, "="); ok && f[tag] == "" {
				f[tag] = value
			}
		}
		if t := f["35"]; len(t) == 1 && strings.Contains("DFH89", t) && f["8005"] == "" {
			all = append(all, messageOf(f))
		}
	}
	return all
}

func messageOf(f map[string]string) (m message) {
	number := func(tag string) uint64 {
		n, _ := strconv.ParseUint(f[tag], 10, 64)
		return n
	}
	whole := func(tag string) int64 { return int64(number(tag)) }
	price := func(tag string) int64 { // four decimals
		text := f[tag]
		a, b, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
		n, _ := strconv.ParseInt(a+(b + "0000")[:4], 10, 64)
		if strings.HasPrefix(text, "-") {
			return -n
		}
		return n
	}
	char := func(tag string) byte {
		if f[tag] == "" {
			return 0
		}
		return f[tag][0]
	}
	m.typ, m.dir = char("35"), fromVenue
	m.number, m.side, m.ordStatus = number("11"), char("54"), char("39")
	if m.typ == msgOrder || m.typ == msgCancel || m.typ == msgStatus {
		m.dir = toVenue
	}
	if m.typ == msgCancel || m.typ == msgCancelReject {
		m.ref, m.number = number("11"), number("41")
	}
	m.venue = 0
	m.qty, m.cum, m.last, m.leaves, m.minQty = whole("38"), whole("14"), whole("32"), whole("151"), whole("110")
	m.show = whole("111")
	m.price, m.lastPx = price("44"), price("31")
	m.execType, m.tif, m.ordType = char("150"), char("59"), char("40")
	if m.execType == 'I' {
		m.lastPx = price("6")
	}
	m.id, _ = event.MakeID(f["17"])
	m.orig, _ = event.MakeID(f["19"])
	m.possDup = f["43"] == "Y"
	switch {
	case m.typ == msgReport && f["103"] == "5", m.typ == msgCancelReject && f["102"] == "1":
		m.reason = event.ReasonUnknownOrder
	case m.typ == msgCancelReject && f["102"] == "0":
		m.reason = event.ReasonTooLate
	}
	return m
}
