package book

import "golang.org/x/sys/cpu"

var haveAVX2 = cpu.X86.HasAVX2

// rank returns how many of keys are less than key. Behind them rankPad more must be in memory.
func rank(keys []int64, key int64) int {
	if haveAVX2 {
		return rankAVX2(keys, key)
	}
	return rankWords(keys, key)
}

//go:noescape
func rankAVX2(keys []int64, key int64) int
