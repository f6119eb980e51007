//go:build !amd64

package book

// rank returns how many of keys are less than key. Behind them rankPad more must be in memory.
func rank(keys []int64, key int64) int { return rankWords(keys, key) }
