package router

import "testing"

// TestCtl_C12_DropCopyIsASecondWitness runs testdata/dropcopy: what the core does when drop copy
// and order session agree, and in each way in which they do not.
func TestCtl_C12_DropCopyIsASecondWitness(t *testing.T) {
	runScripts(t, "testdata/dropcopy", 9, testConfig)
}
