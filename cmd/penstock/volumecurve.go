package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"penstock/market"
	"penstock/router"
)

// blobCurve begins the names of the blobs that hold volume curves in a journal.
const blobCurve = "volume-curve/"

// curveFile is a volume curve as a file holds it:
//
//	# source: 20 days of consolidated trades, 2026-10
//	# zone: America/New_York
//	start,volume
//	09:30,180400
//	09:35,121900
//
// The bins are of equal length; the last is as long as the others. Without a zone the
// times are UTC. The source is not optional: a schedule nobody can trace is not used.
type curveFile struct {
	source string
	zone   *time.Location
	start  []time.Duration // since midnight
	volume []int64
}

// parseCurve reads a curve file; errors name the line.
func parseCurve(text []byte) (*curveFile, error) {
	f := &curveFile{zone: time.UTC}
	lines := bufio.NewScanner(bytes.NewReader(text))
	header := false
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		var err error
		switch {
		case line == "":
		case line[0] == '#':
			err = f.comment(line)
		case !header:
			if header = line == "start,volume"; !header {
				err = errors.New(`the first line that is no comment must be "start,volume"`)
			}
		default:
			err = f.row(line)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	switch {
	case lines.Err() != nil:
		return nil, lines.Err()
	case f.source == "":
		return nil, errors.New(`no "# source: …" line: say what the volumes were measured on`)
	case len(f.start) < 2:
		return nil, errors.New("at least two bins are needed")
	}
	return f, nil
}

func (f *curveFile) comment(line string) error {
	key, value, _ := strings.Cut(strings.TrimSpace(line[1:]), ":")
	value = strings.TrimSpace(value)
	switch key {
	case "source":
		f.source = value
	case "zone":
		zone, err := time.LoadLocation(value)
		if err != nil || value == "" || value == "Local" {
			return fmt.Errorf("zone %q is not a time zone such as America/New_York", value)
		}
		f.zone = zone
	}
	return nil
}

func (f *curveFile) row(line string) error {
	start, volume, ok := strings.Cut(line, ",")
	if !ok {
		return errors.New(`want "start,volume", such as 09:30,180400`)
	}
	layout := "15:04"
	if len(start) > len(layout) {
		layout = time.TimeOnly
	}
	at, err := time.Parse(layout, start)
	if err != nil {
		return fmt.Errorf("start %q is not a time of day such as 09:30 or 09:30:15", start)
	}
	v, err := market.ParseDecimal([]byte(volume), 0)
	if err != nil || v < 0 || v > int64(market.MaxQty) {
		return fmt.Errorf("volume %q is not a whole number from 0", volume)
	}
	since := at.Sub(at.Truncate(24 * time.Hour))
	if n := len(f.start); n > 0 && since <= f.start[n-1] || n > 1 && since-f.start[n-1] != f.start[1]-f.start[0] {
		return fmt.Errorf("start %s: bins must follow each other in equal steps", start)
	}
	f.start, f.volume = append(f.start, since), append(f.volume, v)
	return nil
}

// curve returns the curve on the day of at, ns since epoch: a zone's offset from UTC
// changes over the year.
func (f *curveFile) curve(at int64) (*router.VolumeCurve, error) {
	day := time.Unix(0, at).In(f.zone)
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, f.zone)
	open := midnight.Add(f.start[0]).UTC()
	v := &router.VolumeCurve{Step: int64(f.start[1] - f.start[0]),
		Open: int64(open.Sub(open.Truncate(24 * time.Hour)))}
	total := market.Qty(0)
	for _, volume := range f.volume {
		if total += market.Qty(volume); total > market.MaxQty {
			return nil, errors.New("the day's volume is beyond what a quantity can be")
		}
		v.Total = append(v.Total, total)
	}
	return v, v.Valid()
}

// readCurves reads the volume curves that instruments name, by symbol.
func (c *Config) readCurves() (files map[string][]byte, err error) {
	for i := range c.Instrument {
		s := &c.Instrument[i]
		if s.VolumeCurve == "" {
			continue
		}
		text, err := os.ReadFile(c.at(s.VolumeCurve))
		if err != nil {
			return nil, fmt.Errorf("%w: instrument %s: volume_curve: %w", errConfig, s.Symbol, err)
		}
		if files == nil {
			files = map[string][]byte{}
		}
		files[s.Symbol] = text
	}
	return files, nil
}

// setCurves gives the core's configuration its curves, on the day of at. It returns what
// each was measured on, by instrument.
func (c *Config) setCurves(files map[string][]byte, at int64) (sources []string, err error) {
	for i := range c.Router.Instruments {
		symbol := c.Router.Instruments[i].Symbol
		text, ok := files[symbol]
		if !ok {
			continue
		}
		f, err := parseCurve(text)
		if err == nil {
			if c.Router.Curves == nil {
				c.Router.Curves = make([]*router.VolumeCurve, len(c.Router.Instruments))
			}
			c.Router.Curves[i], err = f.curve(at)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: volume curve of %s: %w", errConfig, symbol, err)
		}
		sources = append(sources, fmt.Sprintf("%s: %d bins of %v, %s", symbol, len(f.volume), f.start[1]-f.start[0], f.source))
	}
	return sources, nil
}
