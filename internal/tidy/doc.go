// Package tidy holds the rules of the house as tests: which package may import
// which, what the deterministic core may not contain, and what does not belong
// into any file. A rule is a function from the files of the repository to a list
// of findings; its own test shows that it can fail.
//
// The rules are data in floors.go and purity.go. A rule is changed in a commit of
// its own that says why, never to make another change pass.
package tidy
