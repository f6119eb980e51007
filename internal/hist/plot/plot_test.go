package plot

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"penstock/internal/hist"
)

// twoSeries are 1 to 100,000 ns, each once, and the same a hundred times as slow.
func twoSeries() *Chart {
	a, b := hist.New(), hist.New()
	for v := range int64(100_000) {
		a.Record(v + 1)
		b.Record((v + 1) * 100)
	}
	return &Chart{Title: "tick to order", Note: "a < b & c", Series: []Series{{"fast", a}, {"slow, 100 x", b}}}
}

func TestCurveLiesWhereThePercentilesAre(t *testing.T) {
	c := twoSeries()
	a := c.axes()
	if a.decades != 5 || a.low > 10 || a.high < 1e7 {
		t.Fatalf("axes %+v", a)
	}
	points := a.curve(c.Series[0].Latency)
	for i := 1; i < len(points); i++ {
		if points[i][0] < points[i-1][0] || points[i][1] > points[i-1][1] {
			t.Fatalf("point %d goes back: %v after %v", i, points[i], points[i-1])
		}
	}
	// The middle of the first decade is 1 − 10^−½ of the samples.
	want := a.y(100_000 * (1 - math.Pow(10, -.5)))
	for _, p := range points {
		if math.Abs(p[0]-(left+a.plotW/10)) < .6 && math.Abs(p[1]-want) > 2 {
			t.Errorf("curve at %v, want height %v", p, want)
		}
	}
	if last := points[len(points)-1]; math.Abs(last[1]-a.y(100_000)) > 1 || math.Abs(last[0]-left-a.plotW) > 1 {
		t.Errorf("the curve ends at %v", last)
	}
}

func TestSVGIsXMLWithEveryLabel(t *testing.T) {
	var b bytes.Buffer
	if err := twoSeries().WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{">99.9%<", ">99.999%<", ">0%<", ">1.00us<", ">10.0ms<", ">fast<", "a &lt; b &amp; c"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the picture", want)
		}
	}
}

func TestPNGShowsBothCurves(t *testing.T) {
	var b bytes.Buffer
	if err := twoSeries().WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if m.Bounds().Dx() != width || m.Bounds().Dy() != height {
		t.Fatalf("%v", m.Bounds())
	}
	seen := map[colour]int{}
	for y := range height {
		for x := range width {
			r, g, b, _ := m.At(x, y).RGBA()
			seen[colour{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}]++
		}
	}
	for _, c := range []colour{palette[0], palette[1], ink, grid} {
		if seen[c] < 500 {
			t.Errorf("%v on %d dots", c, seen[c])
		}
	}
	if seen[palette[2]] != 0 {
		t.Error("there is a third curve")
	}
}

func TestEmptyChartIsAFrame(t *testing.T) {
	var b bytes.Buffer
	c := Chart{Title: "nothing", Series: []Series{{"none", hist.New()}}}
	if err := c.WriteSVG(&b); err != nil || !strings.Contains(b.String(), "nothing") {
		t.Fatal(err, b.String())
	}
	if err := c.WritePNG(io.Discard); err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for name, write := range map[string]func(io.Writer) error{"svg": twoSeries().WriteSVG, "png": twoSeries().WritePNG} {
		if write(full) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      int
	}{{1, 10, 4}, {100, 1000, 4}, {50, 2000, 6}, {1, 1e6, 7}} {
		if got := ticks(c.low, c.high); len(got) != c.want {
			t.Errorf("%v to %v: %v", c.low, c.high, got)
		}
	}
}
