package firewall

import "math/bits"

// Ready makes what the next message needs of its sequence number: where that is the first with a digit
// more, no mould would fit it, and scan would have to read it. For those that have just sent.
func (s *Session) Ready() {
	l := &s.moulds
	if l.read.seq != l.full || l.full == 0 {
		return
	}
	was := l.full
	l.full = was*10 + 9
	for i := range l.all {
		if m := &l.all[i]; m.lastSeq() == was && !m.widen() {
			*m = never
		}
	}
}

// lastSeq returns the last MsgSeqNum that has as many digits as m has room for.
func (m *mould) lastSeq() uint64 { return pow10[m.seqWidth()] - 1 }

func (m *mould) seqWidth() int { return bits.OnesCount64(m.seqKeep) / 4 }

// widen makes of a mould the one for numbers with a digit more, which learn would make of the next
// message; false: there is none. The words are those that scan has read.
func (m *mould) widen() bool {
	if m.seqWidth() == seqDigits || m.end == chunkBytes*mouldChunks {
		return false
	}
	var loose spans
	m.unpack(&loose)
	copy(loose[m.seq+1:m.end+1], loose[m.seq:m.end])
	loose[m.seq].low, loose[m.seq].span = '0', 9
	for _, at := range [...]*int{&m.id, &m.parent, &m.symbol.at} {
		if *at > m.seq {
			*at++
		}
	}
	m.end++
	m.least++
	m.seq++
	m.seqKeep |= m.seqKeep >> 8
	m.pack(&loose)
	return true
}
