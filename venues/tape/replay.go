package tape

import "penstock/event"

// Replay is the outside world of a core that runs on recordings: the events of a
// tape and the answers of its market in one order of time. At equal times the
// tape comes first, then what reaches a venue, then what reaches us.
type Replay struct {
	tape   *Tape
	market *Market
	queue  []event.Event // made but not yet handed out
	head   int
	now    int64
	begin  int64
}

// NewReplay joins a tape and the market of the same plan, and opens the order
// sessions at the first recorded time.
func NewReplay(t *Tape, m *Market) *Replay {
	t.Shifted = m.Shifted
	begin := t.Next()
	if begin == NoTime {
		begin = 0
	}
	m.Start(begin)
	return &Replay{tape: t, market: m, now: begin, begin: begin}
}

// Begin returns the first recorded time, ns since epoch.
func (r *Replay) Begin() int64 { return r.begin }

// Now returns the recorded time that has been reached.
func (r *Replay) Now() int64 { return r.now }

// Ended reports whether the recordings have been played to their end. Answers of
// venues may still be on their way.
func (r *Replay) Ended() bool { return r.head == len(r.queue) && r.tape.Next() == NoTime }

// Market returns the counterparty: commands of the core go to its Send.
func (r *Replay) Market() *Market { return r.market }

// Tape returns the recordings.
func (r *Replay) Tape() *Tape { return r.tape }

// Next fills e with the next event if there is one whose RecvTime is not after
// limit; false means that recorded time can go on to limit without one. The
// caller's timers at limit come after every event of that time.
func (r *Replay) Next(limit int64, e *event.Event) bool {
	for r.head == len(r.queue) {
		r.queue, r.head = r.queue[:0], 0
		tape, market := r.tape.Next(), r.market.Next()
		next := min(tape, market)
		if next > limit || next == NoTime {
			return false
		}
		r.now = next
		if tape <= market {
			r.tape.Play(r.take)
			r.market.ended = r.tape.Next() == NoTime
		} else {
			r.market.Advance(next, r.take)
		}
	}
	*e = r.queue[r.head]
	r.head++
	r.now = e.RecvTime
	r.market.Observe(e)
	return true
}

// Send hands an order command of the core to its venue at now; false as by
// Market.Send.
func (r *Replay) Send(now int64, c *event.Command) bool { return r.market.Send(now, c) }

func (r *Replay) take(e *event.Event) bool {
	r.queue = append(r.queue, *e)
	return true
}
