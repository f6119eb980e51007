package fix

// outLog keeps the last application messages that an acceptor sent, for resends.
// Slots are reused, so a running session does not allocate.
type outLog struct {
	slots []outSlot // index is the sequence number modulo the length
}

type outSlot struct {
	seq     uint64
	msgType []byte
	sent    [stampLen]byte // SendingTime(52)
	body    []byte         // fields after the header, without trailer
}

func newOutLog(messages int) outLog { return outLog{make([]outSlot, messages)} }

// add stores a message just finished: header fields and body as Session wrote
// them, split at byte body.
func (l *outLog) add(seq uint64, msgType string, sent *[stampLen]byte, body []byte) {
	if len(l.slots) == 0 {
		return
	}
	slot := &l.slots[seq%uint64(len(l.slots))]
	slot.seq = seq
	slot.sent = *sent
	slot.msgType = append(slot.msgType[:0], msgType...)
	slot.body = append(slot.body[:0], body...)
}

// get returns the message with number seq, nil when it was administrative or is
// no longer kept.
func (l *outLog) get(seq uint64) *outSlot {
	if len(l.slots) == 0 {
		return nil
	}
	if slot := &l.slots[seq%uint64(len(l.slots))]; slot.seq == seq {
		return slot
	}
	return nil
}

// clear forgets everything: the numbers start again.
func (l *outLog) clear() {
	for i := range l.slots {
		l.slots[i].seq = 0
	}
}
