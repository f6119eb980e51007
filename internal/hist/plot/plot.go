// Package plot draws latency percentiles the way the HdrHistogram plotter does:
// the share of the samples from left to right, each decade of the rest (90 %,
// 99 %, 99.9 % …) as wide as the one before, latency upwards on a logarithmic axis.
package plot

import (
	"fmt"
	"io"
	"math"

	"penstock/internal/hist"
)

// Series is one curve.
type Series struct {
	Name    string
	Latency *hist.Latency
}

// Chart is a picture of some series. Without samples it is an empty frame.
type Chart struct {
	Title  string
	Note   string // one line below the title: load, machine
	Series []Series
}

// Size of the picture and of the frame in it, in pixels.
const (
	width, height = 1280, 760
	left, right   = 110, 40
	top, bottom   = 92, 70
	legendStep    = 26
)

// colour is a red, green and blue.
type colour [3]uint8

var (
	ink     = colour{0x22, 0x22, 0x22}
	grid    = colour{0xdd, 0xdd, 0xdd}
	palette = []colour{{0x1f, 0x77, 0xb4}, {0xd6, 0x27, 0x28}, {0x2c, 0xa0, 0x2c}, {0xff, 0x7f, 0x0e},
		{0x94, 0x67, 0xbd}, {0x17, 0xbe, 0xcf}, {0x8c, 0x56, 0x4b}, {0xe3, 0x77, 0xc2}}
)

// anchor says which end of a text lies at its x.
type anchor uint8

const (
	start anchor = iota
	middle
	end
)

// canvas is what a chart is drawn on. Texts stand on y.
type canvas interface {
	line(points [][2]float64, c colour, thickness int)
	text(x, y float64, s string, a anchor, c colour)
	writeTo(w io.Writer) error
}

// WriteSVG writes the chart as a picture of lines and text.
func (c *Chart) WriteSVG(w io.Writer) error { return c.write(w, newSVG()) }

// WritePNG writes the chart as a picture of dots.
func (c *Chart) WritePNG(w io.Writer) error { return c.write(w, newRaster()) }

func (c *Chart) write(w io.Writer, on canvas) error {
	a := c.axes()
	c.drawGrid(on, a)
	for i, s := range c.Series {
		tint := palette[i%len(palette)]
		if points := a.curve(s.Latency); len(points) > 0 {
			on.line(points, tint, 3)
		}
		y := float64(top + 24 + i*legendStep)
		on.line([][2]float64{{left + 16, y - 6}, {left + 56, y - 6}}, tint, 3)
		on.text(left+66, y, s.Name, start, ink)
	}
	on.text(left, 38, c.Title, start, ink)
	on.text(left, 66, c.Note, start, ink)
	if err := on.writeTo(w); err != nil {
		return fmt.Errorf("percentile plot: %w", err)
	}
	return nil
}

// axes map a share and a latency to a place.
type axes struct {
	decades    int     // of the rest, from 1 on
	low, high  float64 // latency in ns at the ends of the upright axis
	plotW      float64
	plotH      float64
	logLow     float64
	logPerUnit float64
}

func (c *Chart) axes() *axes {
	a := &axes{decades: 2, low: math.Inf(1), plotW: width - left - right, plotH: height - top - bottom}
	for _, s := range c.Series {
		n := s.Latency.Count()
		if n == 0 {
			continue
		}
		a.decades = max(a.decades, int(math.Ceil(math.Log10(float64(n)))))
		a.low = min(a.low, float64(max(s.Latency.Percentile(0.01), 1)))
		a.high = max(a.high, float64(s.Latency.Max()))
	}
	if math.IsInf(a.low, 1) {
		a.low, a.high = 1, 10
	}
	a.decades = min(a.decades, 7)
	a.low, a.high = roundDown(a.low), max(roundUp(a.high), 10*roundDown(a.low))
	a.logLow = math.Log10(a.low)
	a.logPerUnit = math.Log10(a.high) - a.logLow
	return a
}

// x is the place of the share below which all but rest of the samples lie.
func (a *axes) x(rest float64) float64 {
	return left + a.plotW*min(-math.Log10(rest)/float64(a.decades), 1)
}

func (a *axes) y(nanos float64) float64 {
	at := (math.Log10(max(nanos, a.low)) - a.logLow) / a.logPerUnit
	return top + a.plotH*(1-at)
}

// curve returns a point for each pixel column up to the last sample.
func (a *axes) curve(l *hist.Latency) (points [][2]float64) {
	n := l.Count()
	if n == 0 {
		return nil
	}
	until := min(math.Log10(float64(n)), float64(a.decades))
	for step := 0.0; ; step += float64(a.decades) / a.plotW {
		last := step >= until
		if last {
			step = until
		}
		rest := math.Pow(10, -step)
		points = append(points, [2]float64{a.x(rest), a.y(float64(l.Percentile(100 * (1 - rest))))})
		if last {
			return append(points, [2]float64{a.x(rest), a.y(float64(l.Max()))})
		}
	}
}

func (c *Chart) drawGrid(on canvas, a *axes) {
	for _, nanos := range ticks(a.low, a.high) {
		y := a.y(nanos)
		on.line([][2]float64{{left, y}, {left + a.plotW, y}}, grid, 1)
		on.text(left-10, y+5, string(hist.AppendNanos(nil, int64(nanos))), end, ink)
	}
	for d := range a.decades + 1 {
		x := a.x(math.Pow(10, -float64(d)))
		on.line([][2]float64{{x, top}, {x, top + a.plotH}}, grid, 1)
		on.text(x, top+a.plotH+24, shareText(d), middle, ink)
	}
	on.line([][2]float64{{left, top}, {left, top + a.plotH}, {left + a.plotW, top + a.plotH}}, ink, 1)
	on.text(left+a.plotW/2, height-16, "share of the samples below", middle, ink)
}

// shareText is 0%, 90%, 99%, 99.9% …
func shareText(decades int) string {
	if decades == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.*f%%", max(decades-2, 0), 100*(1-math.Pow(10, -float64(decades))))
}

// ticks are 1, 2 and 5 of each decade from low to high, only 1 where there are many.
func ticks(low, high float64) (at []float64) {
	steps := []float64{1, 2, 5}
	if high/low > 1e5 {
		steps = steps[:1]
	}
	for decade := math.Pow(10, math.Floor(math.Log10(low))); decade <= high; decade *= 10 {
		for _, s := range steps {
			if t := math.Round(decade * s); t >= low && t <= high {
				at = append(at, t)
			}
		}
	}
	return at
}

func roundDown(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, s := range []float64{5, 2, 1} {
		if decade*s <= v {
			return math.Round(decade * s)
		}
	}
	return decade
}

func roundUp(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, s := range []float64{1, 2, 5} {
		if decade*s >= v {
			return math.Round(decade * s)
		}
	}
	return math.Round(decade * 10)
}
