//go:build !amd64

package itch

// fillBatch decodes messages into the batch, up to one that is not for it. It returns how
// many events that made and the bytes of their messages; skipped counts messages that made none.
func (d *Decoder) fillBatch(now int64, blocks []byte) (events, size int) {
	if len(blocks) == 0 {
		return 0, 0
	}
	return d.fillWords(now, blocks)
}
