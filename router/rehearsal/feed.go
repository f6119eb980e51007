package rehearsal

import (
	"encoding/binary"
	"fmt"

	"penstock/event"
	"penstock/market"
	"penstock/venues/itch"
)

const symbol = "REHEARSE"

// feed is that of a venue which tells orders: a line of MoldUDP64 packets with ITCH 5.0 in memory, and who
// receives and decodes it.
type feed struct {
	venue    market.VenueID
	decoder  *itch.Decoder
	receiver *itch.Receiver
	ref, seq uint64 // of the next order, of the next message
	packet   [headerBytes + 2 + directoryBytes]byte
	size     int // of the packet on the line, 0: none
}

const (
	headerBytes    = 20 // of MoldUDP64
	directoryBytes = 39 // the longest of its messages
)

func newFeed(v market.VenueID, sink event.Sink) (*feed, error) {
	f := &feed{venue: v, seq: 1}
	var err error
	if f.decoder, err = itch.NewDecoder(itch.Config{Venue: v, Sink: sink, Symbols: []itch.Symbol{{Text: symbol, PriceDecimals: 4}}}); err != nil {
		return nil, err
	}
	f.receiver, err = itch.NewReceiver(itch.ReceiverConfig{Begin: func(now int64) bool { f.decoder.Reset(now); return true },
		Blocks: f.decode, Lines: 1, SilenceNanos: longestWait, RequestNanos: longestWait, RequestMessages: 1, GiveUpRequests: 1, HeldPackets: 1})
	copy(f.packet[:], symbol)
	return f, err
}

func (f *feed) decode(now int64, blocks []byte) (messages int, err error) {
	messages, _, err = f.decoder.DecodeBlocks(now, blocks)
	return messages, err
}

// work takes the packet on the line, as a feed does one from its socket.
func (f *feed) work(now int64) int {
	if f.size == 0 {
		return 0
	}
	size := f.size
	f.size = 0
	_ = f.receiver.Receive(now, 0, f.packet[:size]) // of packets that are always the same: open has met its errors
	return 1
}

// message is the body of the packet that put sends next.
func (f *feed) message(size int) []byte {
	m := f.packet[headerBytes+2:][:size]
	clear(m)
	return m
}

// put puts the packet with the message of that size on the line.
func (f *feed) put(size int) {
	binary.BigEndian.PutUint64(f.packet[10:], f.seq)
	binary.BigEndian.PutUint16(f.packet[18:], 1)
	binary.BigEndian.PutUint16(f.packet[20:], uint16(size))
	f.seq++
	f.size = headerBytes + 2 + size
}

// open lists the stock and makes its book; turn lets the router take what is on the line.
func (f *feed) open(now int64, turn func()) error {
	m := f.message(directoryBytes)
	m[0], m[2] = 'R', 1
	copy(m[11:], symbol)
	f.put(len(m))
	turn()
	for i := range levels {
		for _, side := range []market.Side{market.Buy, market.Sell} {
			f.order("BS"[side.Index()], resting(f.venue, side, i), 500)
			turn()
		}
	}
	f.decoder.Live(now)
	turn()
	if s := f.receiver.Stats(); s.Messages != 1+2*levels {
		return fmt.Errorf("its feed took %d messages of %d", s.Messages, 1+2*levels)
	}
	return nil
}

// order adds the next order.
func (f *feed) order(side byte, price market.Price, shares uint32) {
	f.ref++
	m := f.message(36)
	m[0], m[2], m[19] = 'A', 1, side
	binary.BigEndian.PutUint64(m[11:], f.ref)
	binary.BigEndian.PutUint32(m[20:], shares)
	copy(m[24:], symbol)
	binary.BigEndian.PutUint32(m[32:], uint32(price))
	f.put(len(m))
}

// add brings an offer to the limit, remove takes it away.
func (f *feed) add() { f.order('S', limit, 300) }

func (f *feed) remove() {
	m := f.message(19)
	m[0], m[2] = 'D', 1
	binary.BigEndian.PutUint64(m[11:], f.ref)
	f.put(len(m))
}
