package book

// rankWords is rank with no more than the language has. It counts without a branch: where a key
// belongs cannot be foretold. Keys are within ±2^62.
func rankWords(keys []int64, key int64) (less int) {
	for _, k := range keys {
		less -= int((k - key) >> 63)
	}
	return less
}

// rankPad is how many keys behind those that it counts rank may read.
const rankPad = 3
