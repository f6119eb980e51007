package router

import (
	"path/filepath"
	"testing"
)

// TestCtl_C12_DropCopyIsASecondWitness runs testdata/dropcopy: what the core does when drop copy
// and order session agree, and in each way in which they do not.
func TestCtl_C12_DropCopyIsASecondWitness(t *testing.T) {
	files, err := filepath.Glob("testdata/dropcopy/*.txt")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScript(t, file) })
	}
}
