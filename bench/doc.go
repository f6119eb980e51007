// Package bench holds the end-to-end latency benchmarks; micro-benchmarks lie
// beside their code. RESULTS.md has the figures with their load and machine.
//
//	go test -run '^$' -bench . ./bench
package bench
