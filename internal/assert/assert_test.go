package assert

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestTrueConditionPasses(t *testing.T) {
	That(true, "never seen")
	if n := testing.AllocsPerRun(100, func() { That(len(t.Name()) > 0, "named") }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestFalseConditionNamesTheInvariant(t *testing.T) {
	defer func() {
		var f Failure
		err, _ := recover().(error)
		if !errors.As(err, &f) || f.Invariant != "cum + leaves == qty" {
			t.Fatalf("panicked with %v", err)
		}
		if f.Error() != "assertion failed: cum + leaves == qty" {
			t.Fatalf("text %q", f.Error())
		}
	}()
	That(1+1 == 3, "cum + leaves == qty")
}

// The promise of one branch holds only while the compiler inlines That.
func TestThatIsInlined(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), "can inline That") {
		t.Fatalf("That is no longer inlined:\n%s", out)
	}
}
