package itch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"penstock/event"
)

func benchDecoder(b *testing.B) (*Decoder, [][]byte) {
	d := newDecoder(b, func(*event.Event) bool { return true })
	d.Reset(1)
	d.Live(1)
	if err := d.Decode(1, listing(7, "AAPL")); err != nil {
		b.Fatal(err)
	}
	return d, sampleStream(rand.New(rand.NewPCG(1, 2)), 1<<14)
}

// BenchmarkDecode is ns per message of a mixed stream of one stock, in memory,
// into a sink that only returns.
func BenchmarkDecode(b *testing.B) {
	d, stream := benchDecoder(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := d.Decode(1, stream[i&(len(stream)-1)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeBaseline reads the type and the time of each message, no more.
func BenchmarkDecodeBaseline(b *testing.B) {
	_, stream := benchDecoder(b)
	b.ReportAllocs()
	sum := int64(0)
	for i := 0; b.Loop(); i++ {
		m := stream[i&(len(stream)-1)]
		sum += int64(m[0]) + timestamp(m)
	}
}

// BenchmarkDecodeEncodingBinary is the slow twin's way of reading an add order.
func BenchmarkDecodeEncodingBinary(b *testing.B) {
	m := order('A', 7, 1, 'B', 100, 100)
	b.ReportAllocs()
	for b.Loop() {
		var h header
		var a wireAdd
		r := bytes.NewReader(m)
		if binary.Read(r, binary.BigEndian, &h) != nil || binary.Read(r, binary.BigEndian, &a) != nil {
			b.Fatal("read")
		}
	}
}

// BenchmarkReceive is ns per packet of ten messages through both machines, as one
// line brings it, and as two do when A loses every tenth packet.
func BenchmarkReceive(b *testing.B) {
	for lines := 1; lines <= 2; lines++ {
		b.Run(fmt.Sprint("lines ", lines), func(b *testing.B) { benchReceive(b, lines) })
	}
}

func benchReceive(b *testing.B, lines int) {
	d, stream := benchDecoder(b)
	r, err := NewReceiver(ReceiverConfig{Begin: func(int64) bool { return true }, Deliver: d.Decode,
		Lines: lines, GapNanos: int64(lines-1) * second, SilenceNanos: 2 * second, RequestNanos: 1,
		RequestMessages: 1, GiveUpRequests: 1, HeldPackets: 256})
	if err != nil {
		b.Fatal(err)
	}
	packet := appendRequest(nil, Session{}, 1, 10)
	for _, m := range stream[:10] {
		packet = append(binary.BigEndian.AppendUint16(packet, uint16(len(m))), m...)
	}
	receive := func(line int, seq uint64) {
		binary.BigEndian.PutUint64(packet[10:], seq)
		if err := r.Receive(1, line, packet); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq += 10 {
		if lines == 1 || seq%100 != 1 || seq == 1 {
			receive(0, seq)
		}
		if lines == 2 && seq > 1 {
			receive(1, seq-10) // one packet behind
		}
	}
}
