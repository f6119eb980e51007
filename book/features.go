package book

import (
	"penstock/event"
)

// Features are the moving inputs of the policy, kept incrementally in integers.
// Time advances in whole seconds of event time: a second without events counts.
type Features struct {
	// VarFast and VarSlow are moving averages, over about 60 s and 1000 s, of
	// the squared change of twice the midpoint in one second, times 1024.
	VarFast, VarSlow int64
	// Flow is the signed traded quantity of others, buyers positive, decaying
	// by half every 10 s or so: each second takes a fifteenth. Within ±2^60 lots.
	Flow int64
	// Volume is the traded quantity of others whatever its sign, Trades their
	// number times 1024, both decaying like Flow. Within 2^60.
	Volume, Trades int64

	mid2    int64 // at the start of the running second
	last2   int64 // latest
	second  int64 // the running second
	seconds int64 // seconds seen
}

// flowMax keeps the sum of two flows within 64 bits.
const flowMax = 1 << 60

const (
	flowSeconds = 15   // what a second leaves of a flow: 14 fifteenths
	tradeUnit   = 1024 // one trade in Features.Trades
)

const second = 1_000_000_000

func (f *Features) onMid(mid2, now int64) {
	f.advance(now)
	if f.mid2 == 0 {
		f.mid2 = mid2
	}
	f.last2 = mid2
}

// onTrade takes a trade of others, at the StepTime of e. One without a known
// aggressor counts as volume only.
func (f *Features) onTrade(e *event.Event) {
	qty := min(max(int64(e.Qty), -flowMax), flowMax)
	if e.Side.Valid() {
		f.advance(e.StepTime)
		f.Flow = min(max(f.Flow+e.Side.Sign()*qty, -flowMax), flowMax)
	} else if f.second != 0 {
		f.advance(e.StepTime)
	}
	f.Volume = min(f.Volume+max(qty, 0), flowMax)
	f.Trades = min(f.Trades+tradeUnit, flowMax)
}

// VolumePerSec returns the traded quantity of others per second, over about 15 s,
// in lots.
func (f *Features) VolumePerSec() int64 { return f.Volume / flowSeconds }

// TradesPerSec returns the number of trades of others per second, over about 15 s,
// in 1/1024.
func (f *Features) TradesPerSec() int64 { return f.Trades / flowSeconds }

// advance folds every whole second that passed. After a long silence only the
// decay remains, so the loop is bounded.
func (f *Features) advance(now int64) {
	s := now / second
	if f.second == 0 {
		f.second = s
		return
	}
	for n := 0; f.second < s; n++ {
		if n == 4096 {
			f.second = s
			return
		}
		move := clampMove(f.last2 - f.mid2)
		f.mid2 = f.last2
		square := move * move * 1024
		f.seconds++
		f.VarFast += (square - f.VarFast) / min(f.seconds, 60)
		f.VarSlow += (square - f.VarSlow) / min(f.seconds, 1000)
		f.Flow -= f.Flow / flowSeconds
		f.Volume -= f.Volume / flowSeconds
		f.Trades -= f.Trades / flowSeconds
		f.second++
	}
}

func clampMove(move int64) int64 { return min(max(move, -1<<24), 1<<24) }

// VolRatio returns the ratio of fast to slow variance in thousandths, 1000 until
// there is enough history.
func (f *Features) VolRatio() int64 {
	if f.seconds < 30 || f.VarSlow == 0 {
		return 1000
	}
	return f.VarFast / max(f.VarSlow/1000, 1)
}
