package policy

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"penstock/internal/mutate"
)

// valid is a time inside the window of mustBuild; unsigned accepts any table.
const valid = 1500

var unsigned = LoadOptions{AllowUnsigned: true}

func mustEncode(t testing.TB, table *Table) []byte {
	t.Helper()
	file, err := Encode(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// testKey is a fixed key pair.
func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// withReport returns a table with all kinds of small section and a passed gate.
func withReport(t testing.TB, report string) *Table {
	table := mustBuild(t)
	table.meta.Seeds = []int64{-1, 1 << 62}
	table.meta.Days = []string{"2026-01-05", "2026-01-06"}
	table.meta.Params = []string{"z=2", "lambda=1"}
	table.meta.FeeScheduleDate = "2026-01-01"
	signal, err := rampSignal().Section()
	if err != nil {
		t.Fatal(err)
	}
	table.extra = []Section{signal, {Tag: "BASE", Data: []byte("attributions")},
		{Tag: tagGATE, Data: []byte(report)}}
	if err := table.useSections(); err != nil {
		t.Fatal(err)
	}
	table.header.GateReport = sha256.Sum256([]byte(report))
	table.header.TrainData[0], table.header.ParentPolicy[31] = 1, 2
	return table
}

// sectionSpan returns where a section lies, from the directory.
func sectionSpan(file []byte, tag string) (entryAt, offset, size int) {
	for at := headerBytes; string(file[at:at+4]) != "\x00\x00\x00\x00"; at += entryBytes {
		if string(file[at:at+4]) == tag {
			return at, int(binary.LittleEndian.Uint64(file[at+8:])),
				int(binary.LittleEndian.Uint64(file[at+16:]))
		}
	}
	return 0, 0, 0
}

// reseal makes checksums right again after a test changed content.
func reseal(file []byte) []byte {
	n := int(binary.LittleEndian.Uint32(file[atSections:]))
	for i := range n {
		e := file[headerBytes+i*entryBytes:]
		offset, size := binary.LittleEndian.Uint64(e[8:]), binary.LittleEndian.Uint64(e[16:])
		if offset+size <= uint64(len(file)) {
			crc := crc32.Checksum(file[offset:offset+size], castagnoli)
			binary.LittleEndian.PutUint32(e[28:], crc)
		}
	}
	crc := crc32.Checksum(file[:atHeaderCRC], castagnoli)
	binary.LittleEndian.PutUint32(file[atHeaderCRC:], crc)
	return file
}

// wantRefusal checks the kind of an error and that it says where and what to do.
func wantRefusal(t *testing.T, name string, err, kind error, section string) {
	t.Helper()
	var load *LoadError
	if !errors.Is(err, kind) || !errors.As(err, &load) {
		t.Errorf("%s: %v, want %v", name, err, kind)
		return
	}
	if load.Section != section || !strings.Contains(err.Error(), kind.(*refusal).advice) {
		t.Errorf("%s: %v: section must be %s, with advice", name, err, section)
	}
}

func TestFileRoundTrips(t *testing.T) {
	big := twoPages(t)
	for _, tag := range []string{"QVAL", "QSTD", "NVIS"} {
		data := make([]byte, 2*States*Actions*4)
		copy(data, tag)
		big.extra = append(big.extra, Section{Tag: tag, Data: data})
	}
	refitted := mustBuild(t)
	refitted.schema[FeatureGap].Edges[0] = -550
	refitted.lut = refitted.schema.lut()
	tables := map[string]*Table{"rules": mustBuild(t), "two pages, values": big,
		"report": withReport(t, `{"pass":true,"G1":{"lb":[1,2.5]}}`), "refitted": refitted}
	for name, table := range tables {
		file := mustEncode(t, table)
		got, err := Decode(file, valid, unsigned)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(mustEncode(t, got), file) {
			t.Errorf("%s: decoded table encodes to other bytes", name)
		}
		if got.lut != table.lut || !slices.Equal(got.cells, table.cells) ||
			got.header != table.header || got.schema != table.schema ||
			len(got.extra) != len(table.extra) || got.pages != table.pages {
			t.Errorf("%s: decoded table differs", name)
		}
	}
}

func TestLayoutIsAsDocumented(t *testing.T) {
	file := mustEncode(t, mustBuild(t))
	for i, tag := range []string{tagFEAT, tagLUT8, tagACTN, tagPOLI, tagMETA} {
		at, offset, size := sectionSpan(file, tag)
		if at != headerBytes+i*entryBytes || offset%sectionAlign != 0 || size == 0 {
			t.Errorf("%s: entry at %d, %d bytes at %d", tag, at, size, offset)
		}
		if tag == tagPOLI && (offset%policyAlign != 0 || size != 72900) {
			t.Errorf("POLI: %d bytes at %d", size, offset)
		}
	}
	if string(file[:8]) != "PENPOL\x00\x01" || len(file) > 100_000 {
		t.Errorf("begins %q, %d bytes", file[:8], len(file))
	}
}

// Every byte of a file is covered by some check, the signature's included.
func TestAnyFlippedByteIsRefused(t *testing.T) {
	key := testKey(1)
	file, err := Encode(withReport(t, `{"pass":true}`), key)
	if err != nil {
		t.Fatal(err)
	}
	opt := LoadOptions{TrustedKeys: []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}}
	_, signature, _ := sectionSpan(file, tagSIG0)
	for i := range file {
		flips := []byte{1 << (i % 8)}
		if i < headerBytes+11*entryBytes || i >= signature { // small, and not one checksum
			flips = []byte{1, 2, 4, 8, 16, 32, 64, 128, 0xff}
		}
		for _, flip := range flips {
			file[i] ^= flip
			if _, err := Decode(file, valid, opt); err == nil {
				t.Fatalf("byte %d xor %02x: accepted", i, flip)
			}
			if i >= signature {
				if _, err := Decode(file, valid, unsigned); err == nil {
					t.Fatalf("byte %d xor %02x: accepted as unsigned", i, flip)
				}
			}
			file[i] ^= flip
		}
	}
	if _, err := Decode(file, valid, opt); err != nil {
		t.Fatal(err)
	}
}

func TestCutFileIsRefusedEverywhere(t *testing.T) {
	file, err := Encode(withReport(t, `{"pass":true}`), testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	cuts := []int{0, 1, 7, 8, 255, 256, 257, len(file) - 1}
	for at := headerBytes; binary.LittleEndian.Uint32(file[at:]) != 0; at += entryBytes {
		offset := int(binary.LittleEndian.Uint64(file[at+8:]))
		size := int(binary.LittleEndian.Uint64(file[at+16:]))
		cuts = append(cuts, at, at+entryBytes, offset-1, offset, offset+1, offset+size-1)
		if offset+size < len(file) {
			cuts = append(cuts, offset+size)
		}
	}
	for _, n := range cuts {
		_, err := Decode(file[:n], valid, unsigned)
		wantRefusal(t, "cut", err, ErrSize, "header")
		if n < headerBytes {
			continue
		}
		// A header that agrees with the cut must not help.
		short := bytes.Clone(file[:n])
		binary.LittleEndian.PutUint64(short[atFileBytes:], uint64(n))
		if _, err := Decode(reseal2(short), valid, unsigned); err == nil {
			t.Errorf("cut at %d with a matching header: accepted", n)
		}
	}
}

// reseal2 repairs the header checksum only.
func reseal2(file []byte) []byte {
	crc := crc32.Checksum(file[:atHeaderCRC], castagnoli)
	binary.LittleEndian.PutUint32(file[atHeaderCRC:], crc)
	return file
}

func TestDamageIsNamed(t *testing.T) {
	le := binary.LittleEndian
	table := mustBuild(t)
	poli := func(f []byte) int { _, at, _ := sectionSpan(f, tagPOLI); return at }
	entryOf := func(f []byte, tag string) []byte { at, _, _ := sectionSpan(f, tag); return f[at:] }
	for _, tc := range []struct {
		name, section string
		kind          error
		change        func(f []byte) []byte
	}{
		{"empty", "header", ErrSize, func(f []byte) []byte { return nil }},
		{"oversize", "header", ErrSize, func(f []byte) []byte {
			return make([]byte, MaxFileBytes+1)
		}},
		{"one byte more", "header", ErrSize, func(f []byte) []byte { return append(f, 0) }},
		{"a byte more, admitted", "directory", ErrSize, func(f []byte) []byte {
			le.PutUint64(f[atFileBytes:], uint64(len(f)+1))
			return reseal(append(f, 0))
		}},
		{"text", "header", ErrMagic, func(f []byte) []byte {
			return bytes.Repeat([]byte("a"), 500)
		}},
		{"big-endian", "header", ErrEndian, func(f []byte) []byte {
			binary.BigEndian.PutUint32(f[atEndian:], littleEndian)
			return reseal(f)
		}},
		{"no byte order", "header", ErrEndian, func(f []byte) []byte {
			le.PutUint32(f[atEndian:], 7)
			return reseal(f)
		}},
		{"future version", "header", ErrVersion, func(f []byte) []byte {
			le.PutUint16(f[atMajor:], 2)
			return reseal(f)
		}},
		{"future minor", "header", ErrVersion, func(f []byte) []byte {
			le.PutUint16(f[atMinor:], versionMinor+1)
			return reseal(f)
		}},
		{"header bytes", "header", ErrHeader, func(f []byte) []byte { f[atUUID] ^= 1; return f }},
		{"reserved", "header", ErrHeader, func(f []byte) []byte {
			f[atReserved+3] = 1
			return reseal(f)
		}},
		{"flags", "header", ErrHeader, func(f []byte) []byte { f[atFlags] = 1; return reseal(f) }},
		{"no pages", "header", ErrHeader, func(f []byte) []byte {
			f[atPages] = 0
			return reseal(f)
		}},
		{"five pages", "header", ErrHeader, func(f []byte) []byte {
			f[atPages] = 5
			return reseal(f)
		}},
		{"two pages, one there", tagPOLI, ErrDirectory, func(f []byte) []byte {
			f[atPages] = 2
			return reseal(f)
		}},
		{"too many sections", "header", ErrDirectory, func(f []byte) []byte {
			le.PutUint32(f[atSections:], 1<<31)
			return reseal2(f)
		}},
		{"no sections", "directory", ErrDirectory, func(f []byte) []byte {
			f[atSections] = 0
			return reseal(f)
		}},
		{"one section fewer", tagFEAT, ErrDirectory, func(f []byte) []byte {
			f[atSections]--
			return reseal(f)
		}},
		{"unknown tag", "directory", ErrDirectory, func(f []byte) []byte {
			copy(entryOf(f, tagMETA), "MATA")
			return reseal(f)
		}},
		{"repeated tag", "directory", ErrDirectory, func(f []byte) []byte {
			copy(entryOf(f, tagLUT8), tagFEAT)
			return reseal(f)
		}},
		{"skipped tag", "directory", ErrDirectory, func(f []byte) []byte {
			copy(entryOf(f, tagACTN), tagMETA)
			return reseal(f)
		}},
		{"overlap", tagLUT8, ErrDirectory, func(f []byte) []byte {
			e := entryOf(f, tagLUT8)
			le.PutUint64(e[8:], le.Uint64(e[8:])-sectionAlign)
			return reseal(f)
		}},
		{"far offset", tagPOLI, ErrDirectory, func(f []byte) []byte {
			le.PutUint64(entryOf(f, tagPOLI)[8:], 1<<63)
			return reseal2(f)
		}},
		{"huge length", tagMETA, ErrDirectory, func(f []byte) []byte {
			le.PutUint64(entryOf(f, tagMETA)[16:], 1<<64-1)
			return reseal2(f)
		}},
		{"element size", tagPOLI, ErrDirectory, func(f []byte) []byte {
			entryOf(f, tagPOLI)[24] = 4
			return reseal(f)
		}},
		{"padding", tagPOLI, ErrDirectory, func(f []byte) []byte { f[poli(f)-1] = 1; return f }},
		{"checksum", tagPOLI, ErrChecksum, func(f []byte) []byte { f[poli(f)+99] ^= 1; return f }},
		{"feature hash", "header", ErrSchema, func(f []byte) []byte {
			f[atFeatureHash] ^= 1
			return reseal(f)
		}},
		{"action hash", "header", ErrSchema, func(f []byte) []byte {
			f[atActionHash] ^= 1
			return reseal(f)
		}},
		{"other states", "header", ErrSchema, func(f []byte) []byte {
			f[atStates] ^= 1
			return reseal(f)
		}},
		{"other fallback", "header", ErrSchema, func(f []byte) []byte {
			f[atFallback] = 3
			return reseal(f)
		}},
		{"other feature", tagFEAT, ErrSchema, func(f []byte) []byte {
			_, at, _ := sectionSpan(f, tagFEAT)
			f[at+24]++
			return reseal(f)
		}},
		{"other template", tagACTN, ErrSchema, func(f []byte) []byte {
			_, at, _ := sectionSpan(f, tagACTN)
			f[at+actionBytes*int(ActionTake25)+14]++
			return reseal(f)
		}},
		{"edge within a code", tagFEAT, ErrSchema, func(f []byte) []byte {
			_, at, _ := sectionSpan(f, tagFEAT)
			f[at+featureBytes*FeatureGap+featureFixed]++
			return reseal(f)
		}},
		{"LUT against edges", tagLUT8, ErrSchema, func(f []byte) []byte {
			_, at, _ := sectionSpan(f, tagLUT8)
			f[at+4]++
			return reseal(f)
		}},
		{"action 12", tagPOLI, ErrCell, func(f []byte) []byte {
			f[poli(f)+2*777] = 12
			return reseal(f)
		}},
		{"alternative 15", tagPOLI, ErrCell, func(f []byte) []byte {
			f[poli(f)+2*777] = 0xf1
			return reseal(f)
		}},
		{"reserved cell bits", tagPOLI, ErrCell, func(f []byte) []byte {
			f[poli(f)+2*777+1] |= 0x80
			return reseal(f)
		}},
		{"baseline bit", tagPOLI, ErrCell, func(f []byte) []byte {
			f[poli(f)+2*777+1] ^= 0x08
			return reseal(f)
		}},
	} {
		_, err := Decode(tc.change(mustEncode(t, table)), valid, unsigned)
		wantRefusal(t, tc.name, err, tc.kind, tc.section)
	}
}

func TestValidityWindowIsHalfOpen(t *testing.T) {
	file := mustEncode(t, mustBuild(t))
	for now, kind := range map[int64]error{-5: ErrNotYet, 999: ErrNotYet, 1000: nil, 1999: nil,
		2000: ErrExpired, 1 << 62: ErrExpired} {
		_, err := Decode(file, now, unsigned)
		if kind == nil && err != nil {
			t.Errorf("at %d: %v", now, err)
		}
		if kind != nil {
			wantRefusal(t, "window", err, kind, "header")
		}
	}
	copy(file[atNotAfter:], file[atNotBefore:atNotBefore+8])
	_, err := Decode(reseal(file), valid, unsigned)
	wantRefusal(t, "empty window", err, ErrExpired, "header")
}

func TestSelfTestCatchesALookupThatDiffers(t *testing.T) {
	table := mustBuild(t)
	file := mustEncode(t, table)
	dir, err := parseDirectory(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.selfTest(dir.get(tagPOLI)); err != nil {
		t.Fatal(err)
	}
	table.lut[FeatureSpread][2] = 0
	wantRefusal(t, "lut", table.selfTest(dir.get(tagPOLI)), ErrSelfTest, tagPOLI)
}

func TestEncodeRefusesSectionsThatDoNotBelong(t *testing.T) {
	for name, extra := range map[string][]Section{
		"unknown":      {{Tag: "XTRA", Data: []byte("x")}},
		"required":     {{Tag: tagPOLI, Data: make([]byte, 2*States)}},
		"signature":    {{Tag: tagSIG0, Data: make([]byte, signatureSize)}},
		"out of order": {{Tag: tagGATE, Data: []byte("{}")}, {Tag: "BASE", Data: []byte("x")}},
		"twice":        {{Tag: "BASE", Data: []byte("x")}, {Tag: "BASE", Data: []byte("x")}},
		"wrong size":   {{Tag: "QVAL", Data: []byte("x")}},
		"empty":        {{Tag: "BASE"}},
	} {
		table := mustBuild(t)
		table.extra = extra
		if _, err := Encode(table, nil); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func FuzzDecodeNeverPanics(tf *testing.F) {
	f := mutate.New(tf)
	table := mustBuild(f)
	file := mustEncode(f, table)
	f.Add(file, 0, []byte{}, true)
	f.Add(file[:500], headerBytes, []byte{1, 2, 3}, true)
	f.Add(file, len(file)-20, []byte(`"x":1}`), true)
	f.Fuzz(func(t *testing.T, b []byte, at int, patch []byte, seal bool) {
		b = bytes.Clone(b)
		if at >= 0 && at < len(b) {
			copy(b[at:], patch)
		}
		if seal && len(b) >= headerBytes &&
			headerBytes+entryBytes*int(binary.LittleEndian.Uint32(b[atSections:])&15) <= len(b) &&
			binary.LittleEndian.Uint32(b[atSections:]) < 16 {
			binary.LittleEndian.PutUint64(b[atFileBytes:], uint64(len(b)))
			b = resealSafely(b)
		}
		table, err := Decode(b, valid, unsigned)
		if err != nil {
			var load *LoadError
			if !errors.As(err, &load) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := Encode(table, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(again, valid, unsigned); err != nil {
			t.Fatalf("re-encoded table: %v", err)
		}
	})
}

// resealSafely is reseal for directories that may say anything.
func resealSafely(b []byte) []byte {
	for i := range int(binary.LittleEndian.Uint32(b[atSections:])) {
		e := b[headerBytes+i*entryBytes:]
		offset, size := binary.LittleEndian.Uint64(e[8:]), binary.LittleEndian.Uint64(e[16:])
		if offset <= uint64(len(b)) && size <= uint64(len(b))-offset {
			crc := crc32.Checksum(b[offset:offset+size], castagnoli)
			binary.LittleEndian.PutUint32(e[28:], crc)
		}
	}
	return reseal2(b)
}

func BenchmarkDecode(b *testing.B) {
	file := mustEncode(b, mustBuild(b))
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := Decode(file, valid, unsigned); err != nil {
			b.Fatal(err)
		}
	}
}
