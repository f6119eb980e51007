package fixmd

import "penstock/fix"

// head is what a W or X says outside its group.
type head struct {
	reqID, symbol  []byte
	first, last    []byte // numbers of the update
	crc            []byte
	fragment       []byte
	transact, sent []byte
	count          int
	counted        bool
}

// entry is one entry of the group, as text. Values alias the message.
type entry struct {
	seen     uint32
	action   byte // MDUpdateAction(279): 0 new, 1 change, 2 delete
	kind     byte // MDEntryType(269), 0: not given
	firm     bool
	taker    byte // side of the aggressor, 0: not given
	symbol   []byte
	price    []byte
	qty      []byte
	id       []byte
	ref      []byte
	position []byte
	first    []byte
	last     []byte
}

// The fields of an entry, as bits: one that comes twice could be read two ways.
const (
	hasAction = 1 << iota
	hasKind
	hasSymbol
	hasPrice
	hasQty
	hasID
	hasRef
	hasPosition
	hasFirst
	hasLast
	hasCondition
	hasTaker
)

// scan reads the fields of m into d.head and d.entries. The dialect's field begin
// starts each entry. Nothing is interpreted beyond single characters.
func (d *Decoder) scan(m *fix.Message, begin int) error {
	h, dl := &d.head, d.dialect
	*h = head{}
	d.entries = d.entries[:0]
	var e *entry
	for i, n := 3, m.Len()-1; i < n; i++ {
		tag, v := m.Field(i)
		if tag == begin && h.counted {
			e = d.nextEntry()
		} else if h.counted && e == nil && h.count > 0 {
			return d.bad(tag, v, ErrMalformed, "the group does not begin with the dialect's field")
		}
		if e == nil {
			if err := d.headField(tag, v); err != nil {
				return err
			}
			continue
		}
		switch {
		case tag == dl.Checksum && tag != 0:
			h.crc = v
		case tag == fix.TagTransactTime:
			h.transact = v
		case tag == fix.TagLastFragment:
			h.fragment = v
		case tag == fix.TagNoMDEntries:
			return d.bad(tag, v, ErrMalformed, "second group")
		default:
			if err := d.entryField(e, tag, v); err != nil {
				return err
			}
		}
	}
	if !h.counted || h.count != len(d.entries) {
		return d.bad(fix.TagNoMDEntries, nil, ErrMalformed, "NoMDEntries(268) is not the number of entries")
	}
	return nil
}

// nextEntry adds an entry with what it inherits from the one before, or the head.
func (d *Decoder) nextEntry() *entry {
	h := &d.head
	next := entry{firm: true, symbol: h.symbol, first: h.first, last: h.last}
	if n := len(d.entries); n > 0 {
		before := &d.entries[n-1]
		next.symbol = before.symbol
		if d.dialect.InheritLast {
			next.first, next.last = before.first, before.last
		}
	}
	d.entries = append(d.entries, next)
	return &d.entries[len(d.entries)-1]
}

// headField takes a field before the group, or behind an empty one.
func (d *Decoder) headField(tag int, v []byte) error {
	h, dl := &d.head, d.dialect
	switch tag {
	case fix.TagNoMDEntries:
		n, err := fix.ParseInt(v)
		if err != nil || n < 0 || n > fix.MaxFrameLimit || h.counted {
			return d.bad(tag, v, ErrMalformed, "not a number of entries")
		}
		h.count, h.counted = int(n), true
	case fix.TagMDReqID:
		h.reqID = v
	case fix.TagSymbol:
		h.symbol = v
	case fix.TagLastFragment:
		h.fragment = v
	case fix.TagTransactTime:
		h.transact = v
	case fix.TagSendingTime:
		h.sent = v
	default:
		if tag == dl.Checksum {
			h.crc = v
		}
		if tag == dl.First {
			h.first = v
		}
		if tag == dl.Last || tag == dl.SnapshotLast {
			h.last = v
		}
	}
	return nil
}

func (d *Decoder) entryField(e *entry, tag int, v []byte) error {
	bit := uint32(0)
	switch tag {
	case fix.TagMDUpdateAction:
		bit = hasAction
		if len(v) != 1 || v[0] < '0' || v[0] > '2' {
			return d.bad(tag, v, ErrMalformed, "0, 1 or 2 expected")
		}
		e.action = v[0]
	case fix.TagMDEntryType:
		bit = hasKind
		if len(v) != 1 {
			return d.bad(tag, v, ErrMalformed, "one character expected")
		}
		e.kind = v[0]
	case fix.TagSymbol:
		bit, e.symbol = hasSymbol, v
	case fix.TagMDEntryPx:
		bit, e.price = hasPrice, v
	case fix.TagMDEntrySize:
		bit, e.qty = hasQty, v
	case fix.TagMDEntryID:
		bit, e.id = hasID, v
	case fix.TagMDEntryRefID:
		bit, e.ref = hasRef, v
	case fix.TagMDEntryPositionNo:
		bit, e.position = hasPosition, v
	case fix.TagQuoteCondition:
		bit = hasCondition
		for _, c := range v {
			e.firm = e.firm && c != 'B' && c != 'I' // closed, non-firm
		}
	default:
		dl := d.dialect
		if tag == dl.Aggressor {
			bit, e.taker = hasTaker, v[0]
		}
		if tag == dl.First {
			bit, e.first = hasFirst, v
		}
		if tag == dl.Last {
			bit, e.last = bit|hasLast, v
		}
	}
	if e.seen&bit != 0 {
		return d.bad(tag, v, ErrMalformed, "twice in one entry")
	}
	e.seen |= bit
	return nil
}

// sourceTime is TransactTime(60), or else SendingTime(52); 0 when neither is a time.
func (h *head) sourceTime() int64 {
	if ns, err := fix.ParseTime(h.transact); err == nil {
		return ns
	}
	if ns, err := fix.ParseTime(h.sent); err == nil {
		return ns
	}
	return 0
}

// statistic reports whether an entry of that MDEntryType(269) is no part of a book:
// the other types of FIX 4.4 and 5.0 SP2, and x, y of Johannesburg.
func statistic(kind byte) bool {
	return kind >= '3' && kind <= '9' || kind >= 'A' && kind <= 'Z' || kind >= 'a' && kind <= 'z'
}
