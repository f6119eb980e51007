package plot

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
)

// raster sets dots.
type raster struct{ m *image.RGBA }

func newRaster() *raster {
	r := &raster{m: image.NewRGBA(image.Rect(0, 0, width, height))}
	draw.Draw(r.m, r.m.Bounds(), image.White, image.Point{}, draw.Src)
	return r
}

// dot fills a square of the given side around a place.
func (r *raster) dot(x, y float64, side int, c colour) {
	left, top := int(math.Round(x))-side/2, int(math.Round(y))-side/2
	for dy := range side {
		for dx := range side {
			r.m.SetRGBA(left+dx, top+dy, color.RGBA{c[0], c[1], c[2], 0xff})
		}
	}
}

func (r *raster) line(points [][2]float64, c colour, thickness int) {
	for i := 1; i < len(points); i++ {
		from, to := points[i-1], points[i]
		steps := math.Ceil(max(math.Abs(to[0]-from[0]), math.Abs(to[1]-from[1]), 1))
		for n := 0.0; n <= steps; n++ {
			at := n / steps
			r.dot(from[0]+(to[0]-from[0])*at, from[1]+(to[1]-from[1])*at, thickness, c)
		}
	}
}

// A letter is 5 by 7 dots, each of 2 by 2 pixels, one dot apart.
const (
	dotSide    = 2
	letterStep = 6 * dotSide
	letterRise = 7 * dotSide
)

func (r *raster) text(x, y float64, text string, a anchor, c colour) {
	wide := float64(len(text)*letterStep - dotSide)
	switch a {
	case middle:
		x -= wide / 2
	case end:
		x -= wide
	}
	for i := range len(text) {
		letter := glyph(text[i])
		for column, bits := range letter {
			for row := range 8 {
				if bits>>row&1 != 0 {
					r.dot(x+float64(i*letterStep+column*dotSide)+1, y-letterRise+float64(row*dotSide)+1, dotSide, c)
				}
			}
		}
	}
}

func (r *raster) writeTo(w io.Writer) error { return png.Encode(w, r.m) }
