package plot

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// svg writes elements as they come.
type svg struct{ b bytes.Buffer }

func newSVG() *svg {
	s := &svg{}
	fmt.Fprintf(&s.b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="17">`+"\n"+`<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n",
		width, height, width, height)
	return s
}

func (c colour) hex() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

func (s *svg) line(points [][2]float64, c colour, thickness int) {
	fmt.Fprintf(&s.b, `<polyline fill="none" stroke="%s" stroke-width="%d" points="`, c.hex(), thickness)
	for i, p := range points {
		if i > 0 {
			s.b.WriteByte(' ')
		}
		fmt.Fprintf(&s.b, "%.1f,%.1f", p[0], p[1])
	}
	s.b.WriteString("\"/>\n")
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *svg) text(x, y float64, text string, a anchor, c colour) {
	fmt.Fprintf(&s.b, `<text x="%.1f" y="%.1f" fill="%s" text-anchor="%s">%s</text>`+"\n",
		x, y, c.hex(), [...]string{"start", "middle", "end"}[a], escape.Replace(text))
}

func (s *svg) writeTo(w io.Writer) error {
	s.b.WriteString("</svg>\n")
	_, err := w.Write(s.b.Bytes())
	return err
}
