// Package assert stops the program when it is wrong about itself.
//
// An assertion is for our own mistakes only; what the world sends is checked and
// answered with an error. Assertions run in production: a core whose invariant is
// broken must not route another order, and recovery is replay.
package assert

// That panics with msg unless cond holds. It is inlined and costs one branch; msg
// should be a constant that names the invariant.
func That(cond bool, msg string) {
	if !cond {
		fail(msg)
	}
}

// Failure is the value that a failed assertion panics with.
type Failure struct{ Invariant string }

func (f Failure) Error() string { return "assertion failed: " + f.Invariant }

//go:noinline
func fail(msg string) { panic(Failure{Invariant: msg}) }
