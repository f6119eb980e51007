package main

import (
	"fmt"
	"io"

	"penstock/policy"
	"penstock/policy/learn"
	"penstock/trial"
	"penstock/venues/sim"
)

// How far ahead a price signal looks: so many seconds, and longer until the mid has changed
// so many times, up to a bound.
const (
	signalAhead    = 10
	signalChanges  = 2
	signalFurthest = 60
	signalHorizon  = 3600
)

// signalSamples observes the stock of so many seeds, an hour each, every second.
func signalSamples(first uint64, seeds int, count *counter) ([]learn.SignalSample, error) {
	parts := make([][]learn.SignalSample, seeds)
	count.expect(seeds)
	err := inParallel(seeds, func(i int) error {
		defer count.add(1)
		seed := first + uint64(i)
		looks, err := trial.Observe(trial.Draw(seed, sim.NominalRegime(), trial.Lot, signalHorizon, 60))
		parts[i] = samplesOf(seed, looks)
		return err
	})
	var all []learn.SignalSample
	for _, p := range parts {
		all = append(all, p...)
	}
	return all, err
}

// samplesOf joins each look with where the mid went.
func samplesOf(seed uint64, looks []trial.Look) (list []learn.SignalSample) {
	for i := range looks {
		now := &looks[i]
		if now.Mid2 == 0 || now.Spread <= 0 {
			continue
		}
		later, changes := now.Mid2, 0
		for k := 1; k <= signalFurthest && i+k < len(looks) && (k <= signalAhead || changes < signalChanges); k++ {
			if m := looks[i+k].Mid2; m != 0 && m != later {
				later = m
				changes++
			}
		}
		if i+signalAhead >= len(looks) {
			break
		}
		list = append(list, learn.SignalSample{
			Cluster: seed, Inputs: [policy.SignalInputs]int64{now.Lean, now.OFI, now.Flow},
			Spread: now.Spread, Pace: now.Pace, Move: float64(later-now.Mid2) / float64(now.Spread*trial.Tick),
		})
	}
	return list
}

// learnSignal fits a price signal on training seeds and judges it on validation seeds. One
// that is not acceptable is not used: the lean of the touch stays.
func (t *trainer) learnSignal() error {
	t.paging = policy.Paging{By: policy.RegimePace, DwellNanos: regimeDwell}
	t.paceEdges(nil)
	if t.signalSeeds == 0 {
		return nil
	}
	t.count.phase("price signal")
	train, err := signalSamples(trainSeeds, t.signalSeeds, t.count)
	if err != nil {
		return err
	}
	others, err := signalSamples(validateSeeds, max(t.signalSeeds/2, 4), t.count)
	if err != nil {
		return err
	}
	t.paceEdges(train)
	signal, quality, err := learn.JudgeSignal(train, others, t.seed)
	if err != nil {
		return err
	}
	t.quality = quality
	if !quality.Acceptable() {
		return nil
	}
	section, err := signal.Section()
	if err != nil {
		return err
	}
	t.sections, t.schema = append(t.sections, section), learn.SignalEdges(signal, train)
	return nil
}

// regimeDwell is how long trading has to keep another pace before a table turns its page.
const regimeDwell = 60e9

// paceEdges cuts the pace of trading into as many parts as there are pages, each as long in use
// as the others; without samples by what is usual.
func (t *trainer) paceEdges(samples []learn.SignalSample) {
	paces := []float64{600, 800, 1000, 1200, 1500}
	if len(samples) > 0 {
		paces = paces[:0]
		for i := range samples {
			paces = append(paces, float64(samples[i].Pace))
		}
	}
	for i := range max(t.regimes, 1) - 1 {
		edge := int64(learn.Quantiles(paces, float64(i+1)/float64(t.regimes))[0])
		if i > 0 {
			edge = max(edge, t.paging.Edges[i-1]+1)
		}
		t.paging.Edges[i] = edge
	}
}

func printSignal(w io.Writer, q *learn.SignalQuality) {
	verdict := "used"
	if !q.Acceptable() {
		verdict = "not used: the lean of the touch stays"
	}
	fmt.Fprintf(w, "price signal, on %d seconds of %d other seeds: R² %.4f, of its teacher %.4f, of the lean alone %.4f; better by %.4f (95 %% %.4f to %.4f); "+
		"rank correlation with the teacher %.3f; fitted on shuffled moves %.4f: %s\n", q.Samples, q.Clusters, q.Student, q.Teacher, q.Lean, q.Gain.Value,
		q.Gain.Low, q.Gain.High, q.Spearman, q.Shuffled, verdict)
}
