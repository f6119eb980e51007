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
	// OFI is the order flow imbalance of the touch (Cont, Kukanov, Stoikov 2014), of the last
	// two seconds or so, each taking half: what is added to the bid or taken from the ask, less
	// the opposite. A better price counts with all its size, one that is gone with all it had.
	// Within ±2^60.
	OFI int64
	// Depth is a moving average, over about 60 s, of the size at the touch, both sides
	// together: what OFI and Flow are measured against.
	Depth int64

	// Pace and PaceSlow are moving averages, over about 60 s and 1000 s, of the number of
	// trades of others in one second, times 1024.
	Pace, PaceSlow int64

	prints   int64 // trades of the running second, times 1024
	bid, ask Touch // latest, when both are there
	mid2     int64 // at the start of the running second
	last2    int64 // latest
	second   int64 // the running second
	seconds  int64 // seconds seen
}

// flowMax keeps the sum of two flows within 64 bits.
const flowMax = 1 << 60

const (
	flowSeconds = 15   // what a second leaves of a flow: 14 fifteenths
	tradeUnit   = 1024 // one trade in Features.Trades
)

const second = 1_000_000_000

// onTouch takes a touch with both sides, which follows the one before.
func (f *Features) onTouch(bid, ask *Touch, now int64) {
	if uint64(now-f.second*second) >= second {
		f.advance(now)
	}
	if f.bid.OK {
		up, down := int64(bid.Price-f.bid.Price), int64(ask.Price-f.ask.Price)
		flow := int64(bid.Qty)&^(up>>63) - int64(f.bid.Qty)&^(-up>>63) // which way it goes cannot be foretold
		flow += int64(f.ask.Qty)&^(down>>63) - int64(ask.Qty)&^(-down>>63)
		f.OFI = min(max(f.OFI+flow, -flowMax), flowMax)
	}
	f.bid = *bid
	f.ask = *ask
	f.last2 = int64(bid.Price) + int64(ask.Price)
	if f.mid2 == 0 {
		f.mid2 = f.last2
	}
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
	f.prints += tradeUnit
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
		f.Pace += (f.prints - f.Pace) / min(f.seconds, 60)
		f.PaceSlow += (f.prints - f.PaceSlow) / min(f.seconds, 1000)
		f.prints = 0
		f.Flow -= f.Flow / flowSeconds
		f.OFI -= f.OFI / 2
		f.Depth += (int64(f.bid.Qty) + int64(f.ask.Qty) - f.Depth) / min(f.seconds, 60)
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

// Until returns the time, ns since epoch, before which no touch changes VolRatio.
func (f *Features) Until() int64 { return (f.second + 1) * second }

// PaceRatio returns the ratio of fast to slow pace of trades in thousandths, 1000 until
// there is enough history.
func (f *Features) PaceRatio() int64 {
	if f.seconds < 30 || f.PaceSlow <= 0 {
		return 1000
	}
	return f.Pace * 1000 / f.PaceSlow
}
