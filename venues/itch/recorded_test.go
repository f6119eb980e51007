package itch

import (
	"archive/tar"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"penstock/event"
	"penstock/internal/testdata"
)

func TestNasdaqSessionStart(t *testing.T) {
	file := filepath.Join(testdata.Dir(t), "itch", "nasdaq_itch50_first1000.itch")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := newCollect()
	d := newDecoder(t, c.sink)
	d.Reset(1)
	d.Live(1)
	previous := int64(0)
	for len(data) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(data))
		if err := d.Decode(1, data[2:n]); err != nil {
			t.Fatal(err)
		}
		if at := timestamp(data[2:n]); at < previous {
			t.Fatalf("time goes back to %d", at)
		} else {
			previous = at
		}
		data = data[n:]
	}
	s := d.Stats()
	got := fmt.Sprintf("S %d R %d H %d Y %d of %d", s.Types['S'], s.Types['R'], s.Types['H'],
		s.Types['Y'], s.Messages)
	if got != "S 1 R 993 H 3 Y 3 of 1000" {
		t.Fatal(got)
	}
	if c.took() == "" || s.Unknown+s.Malformed+s.Absurd != 0 {
		t.Fatalf("stats %+v", s)
	}
}

// Real packets of Nasdaq, BX and PSX. They were picked one by one, so their
// orders are listed here as they come and only the decoding is judged.
func TestCapturedPackets(t *testing.T) {
	types := map[byte]int{}
	messages := 0
	c := newCollect()
	eachCapture(t, func(name string, datagram []byte) {
		r, err := NewReceiver(ReceiverConfig{
			Begin: func(int64) bool { return true },
			Deliver: func(now int64, msg []byte) error {
				messages++
				types[msg[0]]++
				return decodeAlone(t, c, msg)
			},
			Lines: 1, SilenceNanos: 1, RequestNanos: 1, RequestMessages: 1, GiveUpRequests: 1, HeldPackets: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		if binary.BigEndian.Uint64(datagram[10:]) == 0 { // blanked by the publisher
			binary.BigEndian.PutUint64(datagram[10:], 1)
		}
		if err := r.Receive(1, 0, datagram); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	if messages != 227 {
		t.Errorf("%d messages, want 227: %v", messages, types)
	}
	for _, kind := range "AFECXDUPQIJLNYHS" {
		if types[byte(kind)] == 0 {
			t.Errorf("no message of type %c", kind)
		}
	}
	if len(types) != 16 {
		t.Errorf("types %v", types)
	}
}

// decodeAlone decodes one message with its stock listed, and demands the event that its type stands for.
func decodeAlone(t *testing.T, c *collect, msg []byte) error {
	d := newDecoder(t, c.sink)
	d.Reset(1)
	d.Live(1)
	if err := d.Decode(1, listing(locate(msg), "BRK.A")); err != nil {
		t.Fatal(err)
	}
	c.took()
	if err := d.Decode(1, msg); err != nil {
		t.Errorf("%x: %v", msg, err)
	}
	want := map[byte]event.Kind{'A': event.OrderAdd, 'F': event.OrderAdd, 'E': event.OrderExecuted,
		'C': event.OrderExecuted, 'X': event.OrderReduced, 'D': event.OrderDeleted,
		'U': event.OrderReplaced, 'P': event.MarketTrade}[msg[0]]
	if want != 0 && (len(c.events) == 0 || c.events[0].Kind != want) {
		t.Errorf("%x: %v", msg, c.lines)
	}
	return nil
}

// eachCapture calls use with every UDP payload of the ITCH 5.0 captures.
func eachCapture(t *testing.T, use func(name string, datagram []byte)) {
	f, err := os.Open(filepath.Join(testdata.Dir(t), "pcap-samples", "omi_exchange_packets.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	archive := tar.NewReader(z)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(h.Name, "TotalView.Itch.v5.0") || !strings.HasSuffix(h.Name, ".pcap") {
			continue
		}
		capture, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range udpPayloads(t, h.Name, capture) {
			use(h.Name, d)
		}
	}
}

// udpPayloads reads a little-endian pcap, nanosecond form, of Ethernet frames.
func udpPayloads(t *testing.T, name string, capture []byte) (payloads [][]byte) {
	if len(capture) < 24 || binary.LittleEndian.Uint32(capture) != 0xa1b23c4d {
		t.Fatalf("%s: not a little-endian nanosecond pcap", name)
	}
	for capture = capture[24:]; len(capture) >= 16; {
		n := 16 + int(binary.LittleEndian.Uint32(capture[8:]))
		frame := capture[16:n]
		capture = capture[n:]
		at := 14
		for binary.BigEndian.Uint16(frame[at-2:]) == 0x8100 {
			at += 4
		}
		if binary.BigEndian.Uint16(frame[at-2:]) != 0x0800 || frame[at+9] != 17 {
			continue
		}
		at += int(frame[at]&15) * 4
		payloads = append(payloads, frame[at+8:at+int(binary.BigEndian.Uint16(frame[at+4:]))])
	}
	return payloads
}
