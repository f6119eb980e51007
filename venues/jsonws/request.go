package jsonws

import (
	"strconv"
	"strings"
)

// A request is one text message or several, a line each. With a nil book it
// subscribes to everything, otherwise it asks for a new snapshot of that book.

// request subscribes to the book channel; a new snapshot comes by subscribing
// again.
func (k *Kraken) request(dst []byte, b *book) []byte {
	if b != nil {
		dst = append(k.method(dst, "unsubscribe", b), '\n')
	}
	return k.method(dst, "subscribe", b)
}

func (k *Kraken) method(dst []byte, method string, b *book) []byte {
	dst = append(dst, `{"method":"`...)
	dst = append(dst, method...)
	dst = append(dst, `","params":{"channel":"book","symbol":[`...)
	dst = k.appendNames(dst, b)
	dst = append(dst, `],"depth":`...)
	dst = strconv.AppendInt(dst, int64(k.depth), 10)
	if method == "subscribe" {
		dst = append(dst, `,"snapshot":true`...)
	}
	return append(dst, `}}`...)
}

// request subscribes to the book, heartbeat and matches channels; a new snapshot
// comes by subscribing to the book again.
func (c *Coinbase) request(dst []byte, b *book) []byte {
	if b == nil {
		return c.subscribe(dst, "subscribe", `"`+c.channel+`","heartbeat","matches"`, nil)
	}
	dst = append(c.subscribe(dst, "unsubscribe", `"`+c.channel+`"`, b), '\n')
	return c.subscribe(dst, "subscribe", `"`+c.channel+`"`, b)
}

func (c *Coinbase) subscribe(dst []byte, kind, channels string, b *book) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","product_ids":[`...)
	dst = c.appendNames(dst, b)
	dst = append(dst, `],"channels":[`...)
	dst = append(dst, channels...)
	return append(dst, `]}`...)
}

// request subscribes to depth differences, trades and tickers. A snapshot is not
// to be had over the WebSocket: see WantsSnapshot.
func (n *Binance) request(dst []byte, b *book) []byte {
	if b != nil {
		return dst
	}
	speed := "@100ms"
	if n.market == BinanceFutures {
		speed = "@0ms"
	}
	dst = append(dst, `{"method":"SUBSCRIBE","params":[`...)
	for i := range n.books.all {
		name := `"` + strings.ToLower(n.books.all[i].Text)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, name+`@depth`+speed+`",`+name+`@trade",`+name+`@bookTicker"`...)
	}
	return append(dst, `],"id":1}`...)
}

// appendNames appends the quoted name of b, of every book when b is nil.
func (o *outlet) appendNames(dst []byte, b *book) []byte {
	if b != nil {
		return append(append(append(dst, '"'), b.Text...), '"')
	}
	for i := range o.books.all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = o.appendNames(dst, &o.books.all[i])
	}
	return dst
}

// base gives the feed what all decoders have in common.
func (o *outlet) base() *outlet { return o }
