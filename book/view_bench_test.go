package book

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"penstock/market"
)

// BenchmarkServe is what readers cost the core when every turn takes one event:
// nobody looks, or readers that ask again as soon as they are answered. Time
// passes at 100 ns an event. answers/s are what the readers got together; overlap
// is the share of chunks in which they really ran beside the core.
func BenchmarkServe(b *testing.B) {
	events := walk(10, 1<<16)
	for readers := range 3 {
		b.Run(fmt.Sprintf("10_venues_%d_readers", readers), func(b *testing.B) {
			board := NewBoard(1, 10, readers, 16)
			var stop atomic.Bool
			done := make(chan bool)
			for range readers {
				go func() {
					w := board.Watch()
					w.Ask(Ask{})
					for !stop.Load() {
						if _, ok := w.Take(); ok {
							w.Ask(Ask{})
						}
					}
					done <- true
				}()
			}
			var composites []*Composite
			last, overlap, chunks := uint64(0), 0, 0
			benchmarkUpdate(b, func() *Composite {
				m := litComposite(10, 20)
				composites = []*Composite{m}
				return m
			}, func(m *Composite, i int) {
				m.Apply(&events[i%len(events)])
				m.Refresh(int64(i) * 100)
			}, func(m *Composite, i int) {
				board.Serve(composites, uint64(i), int64(i)*100, int64(i)*100)
				if i%1024 == 0 {
					chunks++
					if board.Answers-last >= 3 {
						overlap++
					}
					last = board.Answers
				}
			})
			stop.Store(true)
			for range readers {
				<-done
			}
			b.ReportMetric(float64(overlap)/float64(max(chunks, 1)), "overlap")
			b.ReportMetric(float64(board.Answers)/b.Elapsed().Seconds(), "answers/s")
		})
	}
}

// BenchmarkAnswer is the turn in which a reader is answered.
func BenchmarkAnswer(b *testing.B) {
	m := litComposite(10, 40)
	for _, levels := range []int{0, 5, 32} {
		b.Run(fmt.Sprintf("10_venues_%d_levels", levels), func(b *testing.B) {
			board := NewBoard(1, 10, 1, 32)
			w := board.Watch()
			now := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				now += longestRest
				w.Ask(Ask{Levels: levels, Quotes: true})
				board.Serve([]*Composite{m}, 1, now, now)
			}
		})
	}
}

// BenchmarkLevels is the merge of ladders, by price and by net price.
func BenchmarkLevels(b *testing.B) {
	dst := make([]AggLevel, 20)
	for _, venues := range []int{4, 10, 16} {
		m := litComposite(venues, 40)
		for v := range m.venues {
			m.venues[v].TakeFee = market.Fee{Ppm: int64(v % 4 * 100)}
		}
		for _, n := range []int{5, 20} {
			for _, net := range []bool{false, true} {
				b.Run(fmt.Sprintf("%d_venues_%d_levels_net_%v", venues, n, net), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						m.Levels(market.Buy, dst[:n], LevelOptions{Net: net})
					}
				})
			}
		}
	}
}

// BenchmarkTake is what a reader pays for a round trip when the core turns at once.
func BenchmarkTake(b *testing.B) {
	board := NewBoard(1, 10, 1, 16)
	w := board.Watch()
	composites := []*Composite{litComposite(10, 20)}
	var took []int64
	now := int64(0)
	for b.Loop() {
		now += longestRest
		start := time.Now()
		w.Ask(Ask{})
		board.Serve(composites, 1, now, now)
		w.Take()
		took = append(took, int64(time.Since(start)))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
}
