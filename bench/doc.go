// Package bench measures the router from end to end and in its stages, beside the
// peers that a Go user would otherwise take. RESULTS.md has the figures with their
// load and machine.
//
//	go test -run '^$' -bench . ./bench                    the figures
//	go test -run '^$' -bench . ./bench -args -out DIR     and histograms, plots, a table
//
// Latencies are HdrHistogram percentiles: p50-ns p90-ns p99-ns p99.9-ns p99.99-ns
// max-ns. The measuring goroutine has a core of its own and the collector rests, as
// in the router; the cost of reading the clock is measured in the same run,
// subtracted once and reported as timer-ns.
package bench
