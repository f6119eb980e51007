package journal

// End returns where a journal goes on whose Reader was given to Resume: after the last record
// that it gave.
func (r *Reader) End() Place {
	return Place{Segment: r.header.Segment, Offset: r.tail.Offset, Seq: r.seq, Chain: r.chain}
}

// Before returns the place before the record that Next returned last, which was no blob of
// several records.
func (r *Reader) Before() Place {
	return Place{Segment: r.header.Segment, Offset: int64(r.off - r.size), Seq: r.seq - 1, Chain: r.before}
}

// Before returns the place before the record that Next returned last, which was no blob of
// several records.
func (f *Follower) Before() Place {
	return Place{Segment: f.header.Segment, Offset: f.base + int64(f.at-f.size), Seq: f.seq - 1, Chain: f.before}
}

// Last returns the place after the record that Next returned last, at the end of a journal
// before its end record.
func (r *Reader) Last() Place {
	if r.tail.State == TailClosed {
		return Place{Segment: r.tail.Segment, Offset: r.tail.Offset, Seq: r.seq - 1, Chain: r.before}
	}
	return Place{Segment: r.header.Segment, Offset: int64(r.off), Seq: r.seq, Chain: r.chain}
}
