package tape

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

var (
	little = binary.ByteOrder(binary.LittleEndian)
	big    = binary.ByteOrder(binary.BigEndian)
)

// udp4 is an IPv4 packet to port 1000 with a payload.
func udp4(payload string) []byte {
	b := make([]byte, 28)
	b[0], b[9] = 0x45, protocolUDP
	binary.BigEndian.PutUint16(b[2:], uint16(28+len(payload)))
	binary.BigEndian.PutUint16(b[22:], 1000)
	binary.BigEndian.PutUint16(b[24:], uint16(8+len(payload)))
	return append(b, payload...)
}

// udp6 is the same over IPv6, behind a hop-by-hop header.
func udp6(payload string) []byte {
	b := make([]byte, 56)
	b[0], b[6], b[40] = 0x60, 0, protocolUDP
	binary.BigEndian.PutUint16(b[4:], uint16(16+len(payload)))
	binary.BigEndian.PutUint16(b[50:], 1000)
	binary.BigEndian.PutUint16(b[52:], uint16(8+len(payload)))
	return append(b, payload...)
}

func ether(kind uint16, packet []byte) []byte {
	return append(binary.BigEndian.AppendUint16(make([]byte, 12), kind), packet...)
}

func vlan(kind uint16, packet []byte) []byte {
	return ether(etherQinQ, append([]byte{0, 1, 0x81, 0, 0, 2, byte(kind >> 8), byte(kind)}, packet...))
}

// pcapOf writes packets one second apart, from second 100 and fraction 5 on.
func pcapOf(order binary.ByteOrder, magic, link uint32, list ...[]byte) []byte {
	b := make([]byte, 24)
	order.PutUint32(b, magic)
	order.PutUint16(b[4:], 2)
	order.PutUint32(b[20:], link)
	for i, p := range list {
		head := make([]byte, 16)
		order.PutUint32(head, uint32(100+i))
		order.PutUint32(head[4:], 5)
		order.PutUint32(head[8:], uint32(len(p)))
		order.PutUint32(head[12:], uint32(len(p)))
		b = append(append(b, head...), p...)
	}
	return b
}

// blockOf writes a pcapng block; content is padded.
func blockOf(order binary.ByteOrder, kind uint32, content []byte) []byte {
	for len(content)%4 != 0 {
		content = append(content, 0)
	}
	b := make([]byte, 8)
	order.PutUint32(b, kind)
	order.PutUint32(b[4:], uint32(12+len(content)))
	b = append(b, content...)
	return append(b, b[4:8]...)
}

func sectionOf(order binary.ByteOrder) []byte {
	content := make([]byte, 16)
	order.PutUint32(content, magicOrder)
	order.PutUint16(content[4:], 1)
	binary.BigEndian.PutUint64(content[8:], 1<<64-1)
	return blockOf(order, blockSection, content)
}

func interfaceOf(order binary.ByteOrder, link uint16, options ...byte) []byte {
	content := make([]byte, 8)
	order.PutUint16(content, link)
	return blockOf(order, blockInterface, append(content, options...))
}

func enhancedOf(order binary.ByteOrder, number uint32, count uint64, p []byte) []byte {
	content := make([]byte, 20)
	order.PutUint32(content, number)
	order.PutUint32(content[4:], uint32(count>>32))
	order.PutUint32(content[8:], uint32(count))
	order.PutUint32(content[12:], uint32(len(p)))
	order.PutUint32(content[16:], uint32(len(p)))
	return blockOf(order, blockPacket, append(content, p...))
}

func simpleOf(order binary.ByteOrder, p []byte) []byte {
	content := make([]byte, 4)
	order.PutUint32(content, uint32(len(p)))
	return blockOf(order, blockSimple, append(content, p...))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// datagrams reads a capture from memory.
func datagrams(content []byte, port int) (got []string, s Stats, err error) {
	f := &file{path: "x", r: bufio.NewReaderSize(bytes.NewReader(content), 1<<16)}
	c, err := openPackets(f, port)
	for err == nil {
		var r Record
		if r, err = c.next(); err == nil {
			got = append(got, fmt.Sprintf("%d %s", r.Time, r.Data))
		}
	}
	if c != nil && c.in != nil {
		c.count(&s)
	}
	return got, s, err
}

func TestCapturesYieldTheirDatagrams(t *testing.T) {
	const at = "100000005000 a"
	seconds := []byte{9, 0, 1, 0, 0, 0, 0, 0}             // if_tsresol 10^0
	binaryMs := []byte{0, 9, 0, 1, 0x8a, 0, 0, 0}         // 2^-10, big endian
	offset := []byte{14, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0} // if_tsoffset 7 s
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"µs":           {pcapOf(little, magicMicros, linkEthernet, ether(etherIPv4, udp4("a"))), at},
		"µs swapped":   {pcapOf(big, magicMicros, linkEthernet, ether(etherIPv4, udp4("a"))), at},
		"ns":           {pcapOf(little, magicNanos, linkEthernet, ether(etherIPv4, udp4("a"))), "100000000005 a"},
		"ns swapped":   {pcapOf(big, magicNanos, linkEthernet, ether(etherIPv4, udp4("a"))), "100000000005 a"},
		"VLAN":         {pcapOf(little, magicMicros, linkEthernet, vlan(etherIPv4, udp4("a"))), at},
		"padded":       {pcapOf(little, magicMicros, linkEthernet, append(ether(etherIPv4, udp4("a")), 0, 0, 0)), at},
		"IPv6":         {pcapOf(little, magicMicros, linkEthernet, vlan(etherIPv6, udp6("a"))), at},
		"cooked":       {pcapOf(little, magicMicros, linkCooked, join(make([]byte, 14), []byte{8, 0}, udp4("a"))), at},
		"cooked 2":     {pcapOf(little, magicMicros, linkCooked2, join([]byte{8, 0}, make([]byte, 18), udp4("a"))), at},
		"raw":          {pcapOf(little, magicMicros, linkRaw, udp4("a")), at},
		"raw 6":        {pcapOf(little, magicMicros, linkRaw, udp6("a")), at},
		"IPv4":         {pcapOf(little, magicMicros, linkIPv4, udp4("a")), at},
		"null":         {pcapOf(little, magicMicros, linkNull, join(make([]byte, 4), udp4("a"))), at},
		"two":          {pcapOf(little, magicMicros, linkRaw, udp4("a"), udp4("b")), at + "|101000005000 b"},
		"empty":        {pcapOf(little, magicMicros, linkRaw), ""},
		"ng":           {join(sectionOf(little), interfaceOf(little, linkRaw), enhancedOf(little, 0, 100_000_005, udp4("a"))), at},
		"ng big":       {join(sectionOf(big), interfaceOf(big, linkRaw), enhancedOf(big, 0, 100_000_005, udp4("a"))), at},
		"ng seconds":   {join(sectionOf(little), interfaceOf(little, linkRaw, seconds...), enhancedOf(little, 0, 3, udp4("a"))), "3000000000 a"},
		"ng binary":    {join(sectionOf(big), interfaceOf(big, linkRaw, binaryMs...), enhancedOf(big, 0, 1536, udp4("a"))), "1500000000 a"},
		"ng offset":    {join(sectionOf(little), interfaceOf(little, linkRaw, offset...), enhancedOf(little, 0, 5, udp4("a"))), "7000005000 a"},
		"ng simple":    {join(sectionOf(little), interfaceOf(little, linkRaw), enhancedOf(little, 0, 5, udp4("a")), simpleOf(little, udp4("bc"))), "5000 a|5000 bc"},
		"ng unknown":   {join(sectionOf(little), blockOf(little, 99, make([]byte, 8)), interfaceOf(little, linkRaw), enhancedOf(little, 0, 5, udp4("a"))), "5000 a"},
		"two sections": {join(sectionOf(little), interfaceOf(little, linkRaw), enhancedOf(little, 0, 5, udp4("a")), sectionOf(big), interfaceOf(big, linkRaw), interfaceOf(big, linkNull), enhancedOf(big, 1, 6, join(make([]byte, 4), udp4("b")))), "5000 a|6000 b"},
	} {
		got, s, err := datagrams(c.content, 0)
		if strings.Join(got, "|") != c.want || err != io.EOF || s.Other+s.TCP+s.Fragments+s.Snapped != 0 {
			t.Errorf("%s: %q, %v, %+v", name, got, err, s)
		}
	}
}

func TestOtherPacketsAreCounted(t *testing.T) {
	fragment, tcp, icmp, short := udp4("a"), udp4("a"), udp4("a"), udp4("abcdef")
	fragment[6] = 0x20
	tcp[9], icmp[9] = protocolTCP, 1
	fragment6 := udp6("a")
	fragment6[6] = 44
	content := pcapOf(little, magicMicros, linkRaw, fragment, tcp, icmp, short[:30], fragment6, udp4("yes"), short[:10], nil)
	got, s, err := datagrams(content, 0)
	if len(got) != 1 || err != io.EOF || s.Fragments != 2 || s.TCP != 1 || s.Other != 1 || s.Snapped != 3 {
		t.Errorf("%q %v %+v", got, err, s)
	}
	got, s, err = datagrams(pcapOf(little, magicMicros, linkRaw, udp4("a")), 999)
	if len(got) != 0 || err != io.EOF || s.Other != 1 {
		t.Errorf("another port: %q %v %+v", got, err, s)
	}
	snapped := pcapOf(little, magicMicros, linkRaw, udp4("a"))
	little.PutUint32(snapped[24+12:], 1000) // longer on the wire
	if got, s, _ := datagrams(snapped, 0); len(got) != 0 || s.Snapped != 1 {
		t.Errorf("snap length: %q %+v", got, s)
	}
}

// captures are whole captures of two datagrams each.
func captures() map[string][]byte {
	return map[string][]byte{
		"pcap": pcapOf(little, magicMicros, linkEthernet, vlan(etherIPv4, udp4("first")), ether(etherIPv6, udp6("second"))),
		"pcapng": join(sectionOf(little), interfaceOf(little, linkRaw, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0),
			enhancedOf(little, 0, 5, udp4("first")), simpleOf(little, udp6("second"))),
	}
}

func TestCutCapturesSaySo(t *testing.T) {
	for name, whole := range captures() {
		ends := 0
		for n := range len(whole) {
			got, _, err := datagrams(whole[:n], 0)
			if err == io.EOF {
				ends++ // between two packets
				continue
			}
			var at *Error
			if !errors.As(err, &at) || !errors.Is(err, io.ErrUnexpectedEOF) || len(got) > 1 {
				t.Errorf("%s cut to %d: %q, %v", name, n, got, err)
			}
		}
		if ends > 4 {
			t.Errorf("%s: %d places where a cut is not seen", name, ends)
		}
	}
}

func TestBitFlipsInCaptures(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, whole := range captures() {
		for range 10_000 {
			b := bytes.Clone(whole)
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			got, _, err := datagrams(b, 0)
			if err == nil || len(got) > 2 {
				t.Fatalf("%s: %q, %v", name, got, err)
			}
		}
	}
}

func FuzzPackets(f *testing.F) {
	for _, c := range captures() {
		f.Add(c)
	}
	f.Add(pcapOf(big, magicNanos, linkCooked, udp4("x")))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, s, err := datagrams(content, 0)
		if err == nil || int64(len(got))+s.Other+s.Fragments+s.TCP+s.Snapped > int64(len(content)) {
			t.Fatalf("%d datagrams, %+v, %v", len(got), s, err)
		}
	})
}

// fixMessages reads FIX frames from memory; bad counts those whose checksum is wrong.
func fixMessages(content []byte) (got []string, bad int, err error) {
	c := &fixFrames{f: &file{path: "x", r: bufio.NewReaderSize(bytes.NewReader(content), 1<<16)}}
	d, _ := newFIX(nil, target{}, nil)
	for {
		r, err := c.next()
		if err != nil {
			return got, bad, err
		}
		if d.receive(r.Time, r.Data) != nil {
			bad++
		}
		got = append(got, fmt.Sprintf("%d %s", r.Time, strings.ReplaceAll(string(r.Data), "\x01", "|")))
	}
}

// beat is a heartbeat of an hour with its checksum.
func beat(hour int) []byte {
	body := fmt.Sprintf("35=0\x0152=20111124-%02d:33:31.763\x01", hour)
	m := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(body), body)
	sum := 0
	for _, c := range []byte(m) {
		sum += int(c)
	}
	return fmt.Appendf(nil, "%s10=%03d\x01", m, sum&255)
}

func TestFIXFrames(t *testing.T) {
	two := join(beat(5), []byte("\r\n"), beat(6))
	got, bad, err := fixMessages(two)
	if len(got) != 2 || bad != 0 || err != io.EOF || !strings.HasPrefix(got[1], "1322116411763000000 8=FIX.4.4|9=") {
		t.Errorf("%q %d %v", got, bad, err)
	}
	for n := 1; n < len(two); n++ {
		got, _, err := fixMessages(two[:n])
		if whole := n == len(beat(5)) || n == len(beat(5))+1 || n == len(beat(5))+2; whole != (err == io.EOF) ||
			!whole && !errors.Is(err, io.ErrUnexpectedEOF) || len(got) > 1 {
			t.Errorf("cut to %d: %q %v", n, got, err)
		}
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 10_000 {
		b := bytes.Clone(two)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		if got, bad, err := fixMessages(b); len(got)-bad > 1 && !bytes.Equal(b, two) && err == io.EOF && !lineEnd(b, two) {
			t.Fatalf("a flipped bit is not seen: %q", b)
		}
	}
	if _, _, err := fixMessages([]byte("hello, this is not FIX at all, is it?")); err == nil || !errors.Is(err, errFrame) {
		t.Error(err)
	}
}

// lineEnd reports whether b differs from a only between the messages.
func lineEnd(b, a []byte) bool {
	n := len(beat(5))
	return bytes.Equal(b[:n], a[:n]) && bytes.Equal(b[n+2:], a[n+2:])
}

func FuzzFIXFrames(f *testing.F) {
	f.Add(join(beat(5), beat(6)))
	f.Fuzz(func(t *testing.T, content []byte) {
		if got, _, err := fixMessages(content); err == nil || len(got) > len(content)/20 {
			t.Fatalf("%d messages of %d bytes, %v", len(got), len(content), err)
		}
	})
}

func TestFilesWithinArchives(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range map[string]string{"a/b.jsonl": "1723161253937085768 {}\n", "empty": ""} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
	}
	w.Close()
	path := save(t, "x.tar.zst", pack(t, ".zst", b.Bytes()))
	got, err := records(t, path+"!a/b.jsonl")
	if len(got) != 1 || err != io.EOF {
		t.Errorf("%q %v", got, err)
	}
	if names, err := archived(path); err != nil || strings.Join(names, " ") != "a/b.jsonl empty" {
		t.Errorf("%q %v", names, err)
	}
	for member, want := range map[string]error{"nope": errMember, "empty": ErrEmpty} {
		if _, err := openFile(path + "!" + member); !errors.Is(err, want) {
			t.Errorf("%s: %v", member, err)
		}
	}
	whole := pack(t, ".zst", b.Bytes())
	if _, err := openFile(save(t, "cut.tar.zst", whole[:len(whole)/2]) + "!a/b.jsonl"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut archive: %v", err)
	}
}
