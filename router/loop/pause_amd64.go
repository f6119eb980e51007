package loop

// pause is the processor's PAUSE: 40 to 140 cycles.
//
//go:noescape
func pause()
