package main

import (
	_ "embed"

	"penstock/policy"
)

// learntFile is a table that `penstock train` made and the gate passed, with its report
// inside (`penstock policy inspect cmd/penstock/tables/learnt.penstock`).
//
//go:embed tables/learnt.penstock
var learntFile []byte

// shippedTable returns the learnt table while its validity lasts and its gate's report
// holds, else the rule-based one.
func shippedTable(now int64) ([]byte, error) {
	if _, err := policy.Decode(learntFile, now, policy.LoadOptions{AllowUnsigned: true}); err == nil {
		return learntFile, nil
	}
	return baselineTable()
}
