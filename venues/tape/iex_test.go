package tape

import (
	"maps"
	"path/filepath"
	"testing"

	"penstock/event"
	"penstock/internal/testdata"
	"penstock/market"
)

func BenchmarkIEXCapture(b *testing.B) {
	path := filepath.Join(testdata.Dir(b), "iex", "DEEP10.pcap.gz")
	messages := int64(0)
	for b.Loop() {
		v, err := Verify("iex", Feed{Venue: "IEXG", Format: "iex-deep", Paths: []string{path}}, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range v.Types {
			messages += n
		}
	}
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "msg/s")
}

// TestIEXCaptureCounts plays the whole capture with every symbol. Its last packet is
// cut: 11 of its 44 messages are whole, one has its first 24 bytes; none of the
// twelve is used. The notes on the recordings count them, by type: 392,011 in all
// (the total that the notes give, 392,012, is one more than their types add up to).
func TestIEXCaptureCounts(t *testing.T) {
	path := filepath.Join(testdata.Dir(t), "iex", "DEEP10.pcap.gz")
	symbols, touched := map[market.InstrumentID]string{}, map[market.InstrumentID]bool{}
	to := target{discover: func(text string) *market.Instrument {
		in := stock(text).Instrument
		in.ID = market.InstrumentID(len(symbols))
		symbols[in.ID] = text
		return &in
	}}
	s, err := openSource(Feed{Venue: "IEXG", Format: "iex-deep", Paths: []string{path}},
		func(string) target { return to })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Next() != NoTime {
		s.Play(func(e *event.Event) bool {
			if e.Kind == event.BookLevel || e.Kind == event.MarketTrade {
				touched[e.Instrument] = true
			}
			return true
		})
	}
	st := s.Stats()
	if st.Messages+1 != 121_315 || st.Beats != 7_937 || st.Restarts != 11 || st.Gaps != 0 || st.Foreign != 0 ||
		st.Malformed+st.Absurd+st.Other+st.Fragments+st.TCP+st.Snapped != 0 || !st.Cut() {
		t.Errorf("%+v", st)
	}
	all := maps.Clone(st.Types)
	total := int64(0)
	for kind, n := range st.CutTypes {
		all[kind] += n
	}
	for _, n := range all {
		total += n
	}
	want := map[string]int64{"H": 93_638, "O": 93_638, "P": 93_636, "T": 83_343, "8": 12_950, "5": 14_630,
		"B": 73, "E": 59, "S": 44}
	if !maps.Equal(all, want) || total != 392_011 || st.CutTypes["8"] != 9 || st.CutTypes["5"] != 3 {
		t.Errorf("%d: %v, cut %v", total, all, st.CutTypes)
	}
	if len(touched) != 20 {
		t.Errorf("%d symbols with book or trade messages of %d", len(touched), len(symbols))
	}
}
