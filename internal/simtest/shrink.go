package simtest

import "fmt"

// Shrink returns the smallest set of choices found with which the seed fails as it did,
// within a number of runs: delta debugging (Zeller, Hildebrandt 2002) over the plan, events
// and faults alike.
func (r *Runner) Shrink(failed Result, opt Options, runs int) (Drop, Result) {
	kind := failureKind(failed.Failure)
	drop := make(Drop, failed.Choices)
	copy(drop, opt.Drop)
	best := failed
	fails := func(try Drop) bool {
		if runs--; runs < 0 {
			return false
		}
		opt.Drop, opt.Trace = try, false
		res := r.Run(failed.Seed, opt)
		if failureKind(res.Failure) != kind {
			return false
		}
		best = res
		return true
	}
	for chunk := drop.kept(); chunk > 0 && runs > 0; {
		removed := false
		for from := 0; from < drop.kept() && runs > 0; {
			try := drop.without(from, chunk)
			if fails(try) {
				drop, removed = try, true
				continue
			}
			from += chunk
		}
		if chunk == 1 && !removed {
			break
		}
		if !removed || chunk > drop.kept() {
			chunk = max(chunk/2, 1)
		}
	}
	return drop, best
}

// without also leaves out n of the kept choices, the first of them being number from.
func (d Drop) without(from, n int) Drop {
	out := append(Drop(nil), d...)
	kept := -1
	for i := range out {
		if out[i] {
			continue
		}
		if kept++; kept >= from && kept < from+n {
			out[i] = true
		}
	}
	return out
}

// failureKind is a failure without its numbers: what stays when the numbers of orders and
// quantities change.
func failureKind(text string) string {
	kind := make([]byte, 0, len(text))
	for _, b := range []byte(text) {
		switch {
		case b >= '0' && b <= '9':
		case b == '\n':
			return string(kind) // the stack of a panic begins
		default:
			kind = append(kind, b)
		}
	}
	return string(kind)
}

// Rerun is the line that repeats a failure.
func Rerun(seed uint64, d Drop) string {
	line := fmt.Sprintf("go test ./internal/simtest -run Sim -v -seed=%#x", seed)
	if len(d) > 0 {
		line += " -drop=" + d.String()
	}
	return line
}
