package tape

import (
	"bytes"
	"fmt"

	"penstock/event"
	"penstock/market"
)

// nbbo makes one venue of the consolidated best bid and offer: a book with at most
// one level a side, which is what an order would meet somewhere, without saying
// where. Quote lines come in pairs, bid then offer, each with the exchange that sets
// it; they are one message. Trades are told with the price and size of the print.
//
// A consolidated quote may be locked or crossed, which no venue's own book may be:
// the book is STALE while it is, and begins again with the next normal pair.
type nbbo struct {
	to     target
	sink   event.Sink
	sides  [2]book1 // bid, offer as last told
	next   [2]book1 // as last read
	live   bool
	locked int64
	cross  int64
	odd    int64 // quote lines that are not one of a pair
	bid    int64 // time of a bid whose offer has not come; 0 none
}

// book1 is one side of the quote; quantity 0 is none.
type book1 struct {
	price market.Price
	qty   market.Qty
}

func newNBBO(_ *Feed, to target, sink event.Sink) (decoder, error) {
	n := &nbbo{to: to, sink: sink}
	return decoder{receive: n.receive, count: n.count}, nil
}

// Fields of the rest of a line, behind the time.
const (
	nbboQuoteFields = 7 // bid, size, ask, size, exchange, conditions, suspicious
	nbboTradeFields = 5 // price, size, exchange, conditions, suspicious
)

func (n *nbbo) receive(now int64, line []byte) error {
	var fields [nbboQuoteFields][]byte
	count := 0
	for rest, more := line, true; more; count++ {
		if count == len(fields) {
			return fmt.Errorf("%w: more than %d fields", ErrLine, nbboQuoteFields+1)
		}
		fields[count], rest, more = bytes.Cut(rest, []byte{','})
	}
	switch count {
	case nbboTradeFields:
		return n.trade(now, fields[0], fields[1])
	case nbboQuoteFields:
		return n.quote(now, &fields)
	}
	return fmt.Errorf("%w: %d fields, a quote has %d and a trade %d", ErrLine, count+1, nbboQuoteFields+1,
		nbboTradeFields+1)
}

// level reads a price in 1/10000 and a size.
func (n *nbbo) level(price, qty []byte) (b book1, err error) {
	p, err := integer(price)
	if err != nil {
		return b, fmt.Errorf("price %.20q: %w", price, err)
	}
	q, err := integer(qty)
	if err != nil {
		return b, fmt.Errorf("size %.20q: %w", qty, err)
	}
	in := n.to.only()
	if p >= 1<<32 || q >= 1<<32 || in.PriceDecimals < 4 {
		return b, fmt.Errorf("%w: price %d, size %d", errAbsurd, p, q)
	}
	b = book1{market.Price(p * market.Pow10(in.PriceDecimals-4)), market.Qty(q * market.Pow10(in.QtyDecimals))}
	if b.price > market.MaxPrice || b.qty > market.MaxQty {
		return b, fmt.Errorf("%w: price %d, size %d", errAbsurd, p, q)
	}
	return b, nil
}

func (n *nbbo) trade(now int64, price, qty []byte) error {
	b, err := n.level(price, qty)
	if err == nil && (b.price == 0 || b.qty == 0) {
		err = fmt.Errorf("%w: a trade of %d at %d", errAbsurd, b.qty, b.price)
	}
	if err != nil {
		return err
	}
	n.emit(now, event.Event{Kind: event.MarketTrade, Price: b.price, Qty: b.qty})
	return nil
}

// quote takes one line: a bid waits for its offer.
func (n *nbbo) quote(now int64, fields *[nbboQuoteFields][]byte) error {
	bid, err := n.level(fields[0], fields[1])
	if err != nil {
		return err
	}
	ask, err := n.level(fields[2], fields[3])
	if err != nil {
		return err
	}
	isBid, isAsk := bid != (book1{}), ask != (book1{})
	if isBid {
		if n.bid != 0 {
			n.odd++
		}
		n.next[0], n.bid = bid, now
	}
	if isAsk || !isBid {
		if n.bid == 0 {
			n.odd++
		}
		n.next[1] = ask
	}
	if isBid && !isAsk {
		return nil
	}
	n.bid = 0
	n.settle(now)
	return nil
}

// settle tells the difference between what was told and what was read.
func (n *nbbo) settle(now int64) {
	bid, ask := n.next[0], n.next[1]
	both := bid.qty > 0 && ask.qty > 0 && bid.price > 0 && ask.price > 0
	if both && bid.price >= ask.price {
		if bid.price == ask.price {
			n.locked++
		} else {
			n.cross++
		}
		if n.live {
			n.live, n.sides = false, [2]book1{}
			n.emit(now, event.Event{Kind: event.BookStatus, Code: uint8(event.BookStale), Reason: event.ReasonVenueState})
		}
		return
	}
	fresh := !n.live
	if fresh {
		n.emit(now, event.Event{Kind: event.BookClear, Flags: event.More})
	}
	var changes [4]event.Event
	list := changes[:0]
	for i, side := range [2]market.Side{market.Buy, market.Sell} {
		was, is := n.sides[i], n.next[i]
		if was == is {
			continue
		}
		if was.qty > 0 && was.price != is.price {
			list = append(list, event.Event{Kind: event.BookLevel, Side: side, Price: was.price})
		}
		if is.qty > 0 && is.price > 0 {
			list = append(list, event.Event{Kind: event.BookLevel, Side: side, Price: is.price, Qty: is.qty})
		} else if was.qty > 0 && was.price == is.price {
			list = append(list, event.Event{Kind: event.BookLevel, Side: side, Price: was.price})
		}
	}
	n.sides = n.next
	for i := range list {
		if fresh || i+1 < len(list) {
			list[i].Flags = event.More
		}
		n.emit(now, list[i])
	}
	if fresh {
		n.live = true
		n.emit(now, event.Event{Kind: event.BookStatus, Code: uint8(event.BookLive), Reason: event.ReasonSnapshot})
	}
}

func (n *nbbo) emit(now int64, e event.Event) {
	e.RecvTime, e.SrcTime, e.Venue, e.Instrument = now, now, n.to.venue, n.to.only().ID
	n.sink(&e)
}

func (n *nbbo) count(s *Stats) {
	s.Locked += n.locked
	s.Crossed += n.cross
	s.Odd += n.odd
}
