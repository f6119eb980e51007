package ouch

import "encoding/binary"

// Order is what EnterOrder says. Empty text and zero numbers leave an optional field out.
type Order struct {
	UserRef  uint32 // 5.0
	Token    [tokenSize]byte
	Side     byte
	Qty      uint32
	Symbol   [symbolSize]byte
	Price    uint64 // in 1/10,000, or MarketPrice
	TIF      uint32 // 5.0: a character; 4.2: seconds
	Display  byte
	Capacity byte
	Sweep    byte // Y: an intermarket sweep order
	Cross    byte
	Customer byte // R retail, N not, blank: the port's
	MinQty   uint32
	MaxFloor uint32 // 5.0: what is displayed
	PostOnly bool   // 5.0
	Firm     string // 4 characters
}

// AppendEnter appends EnterOrder(O).
func AppendEnter(dst []byte, v Version, o *Order) []byte {
	dst = append(dst, 'O')
	if v == V42 {
		dst = append(append(dst, o.Token[:]...), o.Side)
		dst = binary.BigEndian.AppendUint32(dst, o.Qty)
		dst = append(dst, o.Symbol[:]...)
		dst = binary.BigEndian.AppendUint32(dst, uint32(o.Price))
		dst = binary.BigEndian.AppendUint32(dst, o.TIF)
		dst = appendPadded(dst, o.Firm, 4)
		dst = append(dst, o.Display, o.Capacity, o.Sweep)
		dst = binary.BigEndian.AppendUint32(dst, o.MinQty)
		return append(dst, o.Cross, orBlank(o.Customer))
	}
	dst = append(binary.BigEndian.AppendUint32(dst, o.UserRef), o.Side)
	dst = binary.BigEndian.AppendUint32(dst, o.Qty)
	dst = append(dst, o.Symbol[:]...)
	dst = binary.BigEndian.AppendUint64(dst, o.Price)
	dst = append(dst, byte(o.TIF), o.Display, o.Capacity, o.Sweep, o.Cross)
	dst = append(dst, o.Token[:]...)
	from := len(dst)
	dst = append(dst, 0, 0)
	if o.Firm != "" {
		dst = appendPadded(append(dst, 5, TagFirm), o.Firm, 4)
	}
	if o.MinQty != 0 {
		dst = appendOption32(dst, TagMinQty, o.MinQty)
	}
	if o.MaxFloor != 0 {
		dst = appendOption32(dst, TagMaxFloor, o.MaxFloor)
	}
	if o.Customer != 0 {
		dst = append(dst, 2, TagCustomerType, o.Customer)
	}
	if o.PostOnly {
		dst = append(dst, 2, TagPostOnly, 'P')
	}
	return sized(dst, from)
}

// Replacement is what ReplaceOrder says: the order that stands in place of another.
type Replacement struct {
	OrigRef, UserRef uint32 // 5.0
	Orig, Token      [tokenSize]byte
	Qty              uint32 // all shares, those executed included
	Price            uint64
	TIF              uint32
	Display          byte
	Sweep            byte
	MinQty           uint32
}

// AppendReplace appends ReplaceOrder(U).
func AppendReplace(dst []byte, v Version, r *Replacement) []byte {
	dst = append(dst, 'U')
	if v == V42 {
		dst = append(append(dst, r.Orig[:]...), r.Token[:]...)
		dst = binary.BigEndian.AppendUint32(dst, r.Qty)
		dst = binary.BigEndian.AppendUint32(dst, uint32(r.Price))
		dst = binary.BigEndian.AppendUint32(dst, r.TIF)
		return binary.BigEndian.AppendUint32(append(dst, r.Display, r.Sweep), r.MinQty)
	}
	dst = binary.BigEndian.AppendUint32(dst, r.OrigRef)
	dst = binary.BigEndian.AppendUint32(dst, r.UserRef)
	dst = binary.BigEndian.AppendUint32(dst, r.Qty)
	dst = binary.BigEndian.AppendUint64(dst, r.Price)
	dst = append(dst, byte(r.TIF), r.Display, r.Sweep)
	dst = append(dst, r.Token[:]...)
	from := len(dst)
	dst = append(dst, 0, 0)
	if r.MinQty != 0 {
		dst = appendOption32(dst, TagMinQty, r.MinQty)
	}
	return sized(dst, from)
}

// AppendCancel appends CancelOrder(X): keep is how many shares stay, 0 cancels all.
func AppendCancel(dst []byte, v Version, ref uint32, token [tokenSize]byte, keep uint32) []byte {
	return binary.BigEndian.AppendUint32(appendRef(append(dst, 'X'), v, ref, token), keep)
}

// AppendModify appends ModifyOrder(M), which changes the kind of sale or takes shares off
// without losing the place in the queue.
func AppendModify(dst []byte, v Version, ref uint32, token [tokenSize]byte, side byte, qty uint32) []byte {
	return binary.BigEndian.AppendUint32(append(appendRef(append(dst, 'M'), v, ref, token), side), qty)
}

func appendRef(dst []byte, v Version, ref uint32, token [tokenSize]byte) []byte {
	if v == V42 {
		return append(dst, token[:]...)
	}
	return binary.BigEndian.AppendUint32(dst, ref)
}

// AppendQuery appends AccountQuery(Q), 5.0: the venue says the next UserRefNum.
func AppendQuery(dst []byte) []byte { return append(dst, 'Q') }

// AppendMassCancel appends MassCancel(C), 5.0: all orders of a firm, of one symbol unless
// that is blank, of one side unless that is 0. ref counts as that of an order does.
func AppendMassCancel(dst []byte, ref uint32, firm, symbol string, side byte) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, 'C'), ref)
	dst = appendPadded(appendPadded(dst, firm, 4), symbol, symbolSize)
	from := len(dst)
	dst = append(dst, 0, 0)
	if side != 0 {
		dst = append(dst, 2, TagSide, side)
	}
	return sized(dst, from)
}

// AppendDisable and AppendEnable append DisableOrderEntry(D) and EnableOrderEntry(E), 5.0:
// the venue refuses all orders of a firm, until it takes them again.
func AppendDisable(dst []byte, ref uint32, firm string) []byte {
	return appendGate(dst, 'D', ref, firm)
}

// AppendEnable appends EnableOrderEntry(E), 5.0.
func AppendEnable(dst []byte, ref uint32, firm string) []byte { return appendGate(dst, 'E', ref, firm) }

func appendGate(dst []byte, kind byte, ref uint32, firm string) []byte {
	dst = appendPadded(binary.BigEndian.AppendUint32(append(dst, kind), ref), firm, 4)
	return append(dst, 0, 0)
}

// sized writes how many bytes follow the length of an appendage at from.
func sized(dst []byte, from int) []byte {
	binary.BigEndian.PutUint16(dst[from:], uint16(len(dst)-from-2))
	return dst
}

func appendPadded(dst []byte, text string, width int) []byte {
	dst = append(dst, text...)
	for n := len(text); n < width; n++ {
		dst = append(dst, ' ')
	}
	return dst
}

func orBlank(c byte) byte {
	if c == 0 {
		return ' '
	}
	return c
}
