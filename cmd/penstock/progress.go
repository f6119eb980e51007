package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"penstock/book"
	"penstock/router"
	"penstock/router/loop"
)

// progress follows the newest parent: a line that rewrites itself on a terminal,
// otherwise one line every few seconds.
type progress struct {
	end  chan struct{}
	done sync.WaitGroup
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// startProgress begins to report; quiet reports nothing.
func (a *assembly) startProgress(w io.Writer, quiet bool) *progress {
	p := &progress{end: make(chan struct{})}
	if quiet {
		return p
	}
	every, before, after := 3*time.Second, "", "\n"
	if isTerminal(w) {
		every, before, after = 200*time.Millisecond, "\r\x1b[K", ""
	}
	reader, err := a.loop.NewReader()
	if err != nil {
		return p // as many others look on already
	}
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		defer reader.Close()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-p.end:
				fmt.Fprint(w, before)
				return
			case <-tick.C:
				if line := a.progressLine(reader); line != "" {
					fmt.Fprint(w, before, line, after)
				}
			}
		}
	}()
	return p
}

func (p *progress) stop() {
	close(p.end)
	p.done.Wait()
}

// turnPatience is how long the core may take to answer before the line says so.
const turnPatience = 500 * time.Millisecond

// progressLine says how far the newest parent is: filled and working, by venue; or
// that the core stands still.
func (a *assembly) progressLine(reader *loop.Reader) string {
	var p router.Parent
	var now int64
	if _, err := reader.Read(book.Ask{}, turnPatience); err != nil {
		return err.Error()
	}
	a.loop.Inspect(func(s *loop.Sequencer) {
		if parents := s.Core().Parents(); len(parents) > 0 {
			p, now = parents[len(parents)-1], s.Now()
		}
	})
	if p.Number == 0 {
		return ""
	}
	in := &a.cfg.Router.Instruments[p.Instrument]
	width := len(in.FormatQty(p.OrderQty)) // of every quantity, so that lines stand below each other
	line := fmt.Sprintf("%4.1f s  filled %*s of %s, working %*s", float64(now-p.Accepted)/1e9,
		width, in.FormatQty(p.Cum), in.FormatQty(p.OrderQty), width, in.FormatQty(p.Reserved))
	view, err := reader.Read(book.Ask{Instrument: p.Instrument}, turnPatience)
	if err != nil {
		return err.Error()
	}
	if view.Bid.OK && view.Ask.OK {
		line += fmt.Sprintf("  %s/%s ", in.FormatPrice(view.Bid.Price), in.FormatPrice(view.Ask.Price))
	}
	for v := range a.cfg.Router.Venues {
		line += fmt.Sprintf("  %s %*s", a.cfg.Router.Venues[v].Name, width, in.FormatQty(p.Venues[v].Qty))
	}
	return line
}
