package realism

import (
	"os"
	"strings"
	"testing"

	"penstock/internal/testdata"
)

// TestRecordingsHaveTheShapes takes the statistics of recorded markets: what every market
// shares must be there, or the statistics are wrong.
func TestRecordingsHaveTheShapes(t *testing.T) {
	dir := testdata.Dir(t)
	r, err := Recordings(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range r {
		acf := SignACF(rec.Days, []int{1, 10})
		if acf[0] < .05 || acf[0] > .9 || acf[1] < 0 || acf[1] > acf[0] {
			t.Errorf("%s: sign autocorrelation %.3f, %.3f", rec.Name, acf[0], acf[1])
		}
		if s := mean(rec.Days, func(d *Series) []float64 { return d.Spread }); s < .9 {
			t.Errorf("%s: spread of %.2f ticks", rec.Name, s)
		}
		if strong, _ := leanPredicts(rec.Days); strong < .5 {
			t.Errorf("%s: the lean of the touch is right in %.2f of the cases", rec.Name, strong)
		}
	}
	var text strings.Builder
	Markdown(&text, []Result{{ID: "R1", Pass: true}}, Brief, r)
	if !strings.Contains(text.String(), "BAC 2013") || strings.Contains(text.String(), "NaN") {
		t.Errorf("page:\n%s", text.String())
	}
}
