package ouch

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"penstock/internal/testdata"
)

func text[A [tokenSize]byte | [symbolSize]byte](s string) (a A) {
	switch p := any(&a).(type) {
	case *[tokenSize]byte:
		copy(p[:], appendPadded(nil, s, tokenSize))
	case *[symbolSize]byte:
		copy(p[:], appendPadded(nil, s, symbolSize))
	}
	return a
}

// The bytes of the notes on the protocols, built by hand from the tables of the messages.
func TestOrdersAreSpelledAsTheProtocolSays(t *testing.T) {
	be := binary.BigEndian
	ref := func(kind string, v ...uint32) (b []byte) {
		b = []byte(kind)
		for _, x := range v {
			b = be.AppendUint32(b, x)
		}
		return b
	}
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"5.0 enter", AppendEnter(nil, V50, &Order{UserRef: 1, Side: 'B', Qty: 300, Symbol: text[[symbolSize]byte]("AAPL"), Price: 1502500,
			TIF: '3', Display: 'N', Capacity: 'A', Sweep: 'N', Cross: 'N', Token: text[[tokenSize]byte]("C1"), MinQty: 100, PostOnly: true}),
			"4f00000001420000012c4141504c20202020000000000016ed24334e414e4e43312020202020202020202020200009050300000064020c50"},
		{"4.2 enter", AppendEnter(nil, V42, &Order{Token: text[[tokenSize]byte]("T1"), Side: 'B', Qty: 300,
			Symbol: text[[symbolSize]byte]("AAPL"), Price: 1502500, Firm: "FIRM", Display: 'N', Capacity: 'A', Sweep: 'N', Cross: 'N', MinQty: 100}),
			"4f5431202020202020202020202020420000012c4141504c202020200016ed24000000004649524d4e414e000000644e20"},
		{"5.0 cancel", AppendCancel(nil, V50, 7, [tokenSize]byte{}, 40), hex.EncodeToString(ref("X", 7, 40))},
		{"4.2 cancel", AppendCancel(nil, V42, 0, text[[tokenSize]byte]("T1"), 0),
			hex.EncodeToString(append([]byte("XT1            "), 0, 0, 0, 0))},
		{"5.0 modify", AppendModify(nil, V50, 7, [tokenSize]byte{}, 'S', 9), hex.EncodeToString(append(append(ref("M", 7), 'S'), 0, 0, 0, 9))},
		{"5.0 replace", AppendReplace(nil, V50, &Replacement{OrigRef: 7, UserRef: 8, Qty: 9, Price: 10, TIF: '0', Display: 'Y', Sweep: 'N',
			Token: text[[tokenSize]byte]("C2"), MinQty: 3}),
			hex.EncodeToString(append(append(ref("U", 7, 8, 9, 0, 10), "0YNC2            "...), 0, 6, 5, 3, 0, 0, 0, 3))},
		{"4.2 replace", AppendReplace(nil, V42, &Replacement{Orig: text[[tokenSize]byte]("A"), Token: text[[tokenSize]byte]("B"), Qty: 9, Price: 10,
			TIF: 99998, Display: 'Y', Sweep: 'N'}), hex.EncodeToString(append([]byte("UA             B             "),
			0, 0, 0, 9, 0, 0, 0, 10, 0, 1, 0x86, 0x9e, 'Y', 'N', 0, 0, 0, 0))},
		{"query", AppendQuery(nil), "51"},
		{"mass cancel", AppendMassCancel(nil, 9, "FIRM", "AAPL", 'B'),
			hex.EncodeToString(append(append(ref("C", 9), "FIRMAAPL    "...), 0, 3, 2, 27, 'B'))},
		{"disable", AppendDisable(nil, 9, "FIRM"), hex.EncodeToString(append(append(ref("D", 9), "FIRM"...), 0, 0))},
		{"enable", AppendEnable(nil, 9, "FIRM"), hex.EncodeToString(append(append(ref("E", 9), "FIRM"...), 0, 0))},
	} {
		if got := hex.EncodeToString(tt.got); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// The captures hold OUCH 5.0 as Nasdaq and its members speak it.
func TestRecordedMessages(t *testing.T) {
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
	got := map[string][]byte{}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(h.Name, "Nasdaq.Nsm.Ouch.v5.0/") && strings.HasSuffix(h.Name, ".pcap") {
			b, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			got[strings.TrimSuffix(path.Base(h.Name), ".pcap")] = soupPayload(t, b)
		}
	}
	enter := AppendEnter(nil, V50, &Order{UserRef: 0x71, Side: 'T', Qty: 225, Symbol: text[[symbolSize]byte]("CVLT"), Price: 630200, TIF: '0',
		Display: 'Y', Capacity: 'A', Sweep: 'N', Cross: 'N', Token: text[[tokenSize]byte]("H8FUB8IV"), Firm: "LIME"})
	if b := got["EnterOrderMessage"]; !bytes.Equal(b, append([]byte{'U'}, enter...)) {
		t.Errorf("recorded order %x\nours           %x", b, enter)
	}
	cancel := AppendCancel(nil, V50, 0x752e71, [tokenSize]byte{}, 0)
	if b := got["CancelOrderMessage"]; !bytes.Equal(b, append([]byte{'U'}, cancel...)) {
		t.Errorf("recorded cancel %x\nours            %x", b, cancel)
	}
	var m Message
	if err := Decode(V50, got["CanceledMessage"][1:], &m); err != nil || m.UserRef != 0x753a8d || m.Qty != 40 || m.Reason != 'U' ||
		m.Time != 0x289b4d681317 {
		t.Errorf("canceled: %+v, %v", m, err)
	}
	if err := Decode(V50, got["OrderAcceptedMessage"][1:], &m); err != nil || m.UserRef != 0x753a8d || m.Side != 'B' || m.Qty != 40 ||
		string(m.Symbol[:]) != "ADBE    " || m.Price != 4777800 || m.OrderRef != 0xf56b4f5 || m.State != 'L' ||
		string(m.Token[:]) != "7682701       " || string(m.Option(TagFirm)) != "MLRO" || string(m.Option(18)) != "0" {
		t.Errorf("accepted: %+v %q, %v", m, m.Appendage, err)
	}
	if len(got) != 6 || got["ServerHeartbeatPacket"][0] != 'H' || got["ClientHeartbeatPacket"][0] != 'R' {
		t.Errorf("captures %v", got)
	}
}

// soupPayload cuts the SoupBinTCP packet, without its length, out of a capture of one frame.
func soupPayload(t *testing.T, pcap []byte) []byte {
	t.Helper()
	frame := pcap[24+16:]
	ip := frame[14:]
	if binary.BigEndian.Uint16(frame[12:]) == 0x8100 {
		ip = frame[18:]
	}
	ip = ip[:binary.BigEndian.Uint16(ip[2:])]
	tcp := ip[int(ip[0]&15)*4:]
	data := tcp[int(tcp[12]>>4)*4:]
	if int(binary.BigEndian.Uint16(data)) != len(data)-2 {
		t.Fatalf("packet %x", data)
	}
	return data[2:]
}

func TestTokensComeBack(t *testing.T) {
	for _, child := range []uint64{1, 35, 36, 217000000000000001, 999_999_999_999_999_999} {
		token := makeToken(child)
		if got := parseToken(&token); got != child || Token(child) != strings.TrimSpace(string(token[:])) {
			t.Errorf("%d came back as %d from %q", child, got, token)
		}
	}
	for _, s := range []string{"", "H8FUB8IV", "ZZZZZZZZZZZZ", "00000000000a", "0000000000001"} {
		token := text[[tokenSize]byte](s)
		if got := parseToken(&token); got != 0 {
			t.Errorf("%q is ours as %d", s, got)
		}
	}
}

// slowDecode is the readable twin of Decode: a table of widths, read from left to right.
func slowDecode(v Version, data []byte) (fields map[string]uint64, ok bool) {
	layouts := map[Version]map[byte]string{
		V50: {
			'S': "reason1", 'A': "ref4 side1 qty4 sym8 px8 tif1 display1 order8 cap1 iso1 cross1 state1 token14 app", 'C': "ref4 qty4 reason1",
			'U': "orig4 ref4 side1 qty4 sym8 px8 tif1 display1 order8 cap1 iso1 cross1 state1 token14 app",
			'D': "ref4 qty4 reason1 prevented4 px8 liq1 ?1", 'E': "ref4 qty4 px8 liq1 match8 app", 'B': "ref4 match8 reason1 token14",
			'F': "ref4 qty4 px8 liq1 match8 reason1 token14", 'J': "ref4 reason2 token14", 'P': "ref4", 'I': "ref4", 'M': "ref4 side1 qty4",
			'T': "ref4 px8 display1 order8", 'R': "ref4 reason1 app", 'X': "ref4 firm4 sym8 app", 'G': "ref4 firm4 app", 'K': "ref4 firm4 app", 'Q': "ref4",
		},
		V42: {
			'S': "reason1", 'A': "token14 side1 qty4 sym8 px4 tif4 firm4 display1 order8 cap1 iso1 min4 cross1 state1 bbo1",
			'U': "token14 side1 qty4 sym8 px4 tif4 firm4 display1 order8 cap1 iso1 min4 cross1 state1 old14 bbo1", 'C': "token14 qty4 reason1",
			'D': "token14 qty4 reason1 prevented4 px4 liq1", 'E': "token14 qty4 px4 liq1 match8", 'B': "token14 match8 reason1", 'J': "token14 reason1",
			'P': "token14", 'I': "token14", 'M': "token14 side1 qty4", 'T': "token14 px4 display1 order8",
		},
	}
	if len(data) < 9 || layouts[v][data[0]] == "" {
		return nil, false
	}
	fields = map[string]uint64{"time": binary.BigEndian.Uint64(data[1:])}
	rest := data[9:]
	words := strings.Fields(layouts[v][data[0]])
	for _, w := range words {
		name := strings.TrimRight(w, "0123456789")
		width := 0
		for _, c := range w[len(name):] {
			width = width*10 + int(c-'0')
		}
		if name == "?" { // a newer issue's field
			if len(rest) == 1 || len(rest) > 2 && int(rest[0])<<8|int(rest[1]) != len(rest)-2 {
				rest = rest[1:]
			}
			continue
		}
		if name == "app" {
			break
		}
		if len(rest) < width {
			return nil, false
		}
		for _, c := range rest[:min(width, 8)] {
			fields[name] = fields[name]<<8 | uint64(c)
		}
		rest = rest[width:]
	}
	if len(rest) == 0 {
		return fields, words[len(words)-1] != "app"
	}
	if v == V42 || len(rest) < 2 || int(rest[0])<<8|int(rest[1]) != len(rest)-2 {
		return nil, false
	}
	for rest = rest[2:]; len(rest) > 0; rest = rest[1+int(rest[0]):] {
		if rest[0] == 0 || int(rest[0]) >= len(rest) {
			return nil, false
		}
	}
	return fields, true
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"430000289b4d68131700753a8d0000002855", "4a0000289b4d6813170000000100174331202020202020202020202020", "530000289b4d68131745",
		"450000289b4d68131700000001000000640000000000000a5252000000000000000a0000", "510000289b4d68131700000009",
		"440000289b4d68131700000001000000640000000051000000000000000a5241",
	} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	for _, l := range []*[128]at{&layouts50, &layouts42} {
		for kind, at := range l {
			if at.size > 0 {
				b := make([]byte, at.size)
				b[0] = byte(kind)
				f.Add(b)
				f.Add(append(append([]byte(nil), b...), 0, 3, 2, 12, 'P'))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []Version{V50, V42} {
			var m Message
			err := Decode(v, data, &m)
			want, ok := slowDecode(v, data)
			if ok != (err == nil) {
				t.Fatalf("%v %x: %v, twin %v", v, data, err, ok)
			}
			if err != nil {
				continue
			}
			token := func(t [tokenSize]byte) uint64 { return binary.BigEndian.Uint64(t[:]) }
			for name, got := range map[string]uint64{"time": m.Time, "ref": uint64(m.UserRef), "orig": uint64(m.OrigRef),
				"token": token(m.Token), "old": token(m.OrigToken), "side": uint64(m.Side), "qty": uint64(m.Qty), "px": m.Price,
				"sym": binary.BigEndian.Uint64(m.Symbol[:]), "order": m.OrderRef, "match": m.Match, "liq": uint64(m.Liquidity),
				"reason": uint64(m.Reason), "state": uint64(m.State), "display": uint64(m.Display), "prevented": uint64(m.Prevented)} {
				if got != want[name] {
					t.Fatalf("%v %x: %s is %d, twin %d", v, data, name, got, want[name])
				}
			}
			m.Option(TagFirm)
		}
	})
}
