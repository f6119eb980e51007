package policy

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"time"
)

// LoadOptions say which files are acceptable. The zero value accepts none.
type LoadOptions struct {
	// TrustedKeys are the ed25519 public keys whose signature is accepted.
	TrustedKeys []ed25519.PublicKey
	// AllowUnsigned accepts a table without a signature by a trusted key. A
	// signature that is present must be right all the same.
	AllowUnsigned bool
}

// Decode reads a file and fails closed: any doubt is a *LoadError, and the
// caller keeps the table it has. now, in ns since epoch, must lie in the validity
// window. Checks run in this order: size, magic, byte order, version, header
// checksum, directory, section checksums, signature, schemas, validity, cells,
// metadata, gate report, signal and pages, self-test. The table keeps no reference to b but for the
// data of optional sections, which it shares.
func Decode(b []byte, now int64, opt LoadOptions) (*Table, error) {
	if err := checkHeader(b); err != nil {
		return nil, err
	}
	dir, err := parseDirectory(b)
	if err != nil {
		return nil, err
	}
	if err := dir.checkSums(); err != nil {
		return nil, err
	}
	trusted, err := checkSignature(b, dir, &opt)
	if err != nil {
		return nil, err
	}
	schema, err := checkSchemas(b, dir)
	if err != nil {
		return nil, err
	}
	header := parseHeader(b)
	if err := header.checkValidity(now); err != nil {
		return nil, err
	}
	t := newTable(schema, int(binary.LittleEndian.Uint32(b[atPages:])))
	t.header, t.trusted = header, trusted
	if err := t.fillCells(dir.get(tagPOLI)); err != nil {
		return nil, err
	}
	if t.meta, err = decodeMeta(dir.get(tagMETA)); err != nil {
		return nil, err
	}
	if err := checkGate(dir.get(tagGATE), &header); err != nil {
		return nil, err
	}
	for _, e := range dir.entries {
		if r := ruleOf(e.tag); !sectionRules[r].required && e.tag != tagSIG0 {
			t.extra = append(t.extra, Section{Tag: e.tag, Data: e.data})
		}
	}
	if err := t.useSections(); err != nil {
		return nil, err
	}
	return t, t.selfTest(dir.get(tagPOLI))
}

// ReadHeader reads the header of a file, which must be sound; the rest is not looked at.
func ReadHeader(b []byte) (Header, error) {
	if err := checkHeader(b); err != nil {
		return Header{}, err
	}
	return parseHeader(b), nil
}

func parseHeader(b []byte) Header {
	le := binary.LittleEndian
	return Header{
		UUID:         [16]byte(b[atUUID:]),
		BuildTime:    int64(le.Uint64(b[atBuildTime:])),
		NotBefore:    int64(le.Uint64(b[atNotBefore:])),
		NotAfter:     int64(le.Uint64(b[atNotAfter:])),
		TrainData:    [32]byte(b[atTrainData:]),
		GateReport:   [32]byte(b[atGateReport:]),
		ParentPolicy: [32]byte(b[atParentPolicy:]),
	}
}

// checkSignature verifies SIG0 with the key inside it, whoever that belongs to:
// a signature that does not fit means damage. Trust is whether the key is one of
// the caller's.
func checkSignature(b []byte, dir *directory, opt *LoadOptions) (trusted bool, err error) {
	e := dir.get(tagSIG0)
	if e.data == nil {
		if !opt.AllowUnsigned {
			return false, refuse(ErrUnsigned, tagSIG0, len(b), "the file has no signature")
		}
		return false, nil
	}
	key := ed25519.PublicKey(e.data[:ed25519.PublicKeySize])
	if !ed25519.Verify(key, b[:e.offset], e.data[ed25519.PublicKeySize:]) {
		return false, refuse(ErrSignature, tagSIG0, e.offset, "it does not fit the file")
	}
	for _, k := range opt.TrustedKeys {
		if k.Equal(key) {
			return true, nil
		}
	}
	if !opt.AllowUnsigned {
		return false, refuse(ErrUnsigned, tagSIG0, e.offset,
			"signed by key %x…, none of the %d trusted", e.data[:8], len(opt.TrustedKeys))
	}
	return false, nil
}

// checkSchemas compares the meaning of codes and actions with the compiled-in
// ones and returns the schema with the file's edges. LUT8 must follow from them.
func checkSchemas(b []byte, dir *directory) (*Schema, error) {
	le := binary.LittleEndian
	counts := [...]struct {
		name     string
		at, want int
	}{
		{"features", atFeatures, Features}, {"actions", atActions, Actions},
		{"states", atStates, States}, {"fallback action", atFallback, int(ActionBaseline)},
	}
	for _, c := range counts {
		if n := le.Uint32(b[c.at:]); n != uint32(c.want) {
			return nil, refuse(ErrSchema, "header", c.at, "%s: %d, must be %d", c.name, n, c.want)
		}
	}
	feat, actn, look := dir.get(tagFEAT), dir.get(tagACTN), dir.get(tagLUT8)
	hashes := [...]struct {
		section string
		at, off int
		content uint64
		want    uint64
	}{
		{tagFEAT, atFeatureHash, feat.offset, hashFeatures(feat.data), FeatureSchemaHash},
		{tagACTN, atActionHash, actn.offset, fnv1a(fnvOffset, actn.data), ActionSchemaHash},
	}
	for _, h := range hashes {
		if got := le.Uint64(b[h.at:]); got != h.want {
			return nil, refuse(ErrSchema, "header", h.at, "%s hash %016x, this program has %016x",
				h.section, got, h.want)
		}
		if h.content != h.want {
			return nil, refuse(ErrSchema, h.section, h.off, "content hash %016x, header says %016x",
				h.content, h.want)
		}
	}
	schema := defaultSchema
	for f := range schema {
		at := f*featureBytes + featureFixed
		for i := range schema[f].Edges {
			schema[f].Edges[i] = int64(le.Uint64(feat.data[at+8*i:]))
		}
		if i := schema[f].badEdge(); i >= 0 {
			return nil, refuse(ErrSchema, tagFEAT, feat.offset+at+8*i,
				"edge %d of feature %s, %d, is out of order or within a code",
				i, schema[f].Name, schema[f].Edges[i])
		}
	}
	want := schema.lut()
	if !bytes.Equal(want.append(nil), look.data) {
		return nil, refuse(ErrSchema, tagLUT8, look.offset, "it does not follow from the edges")
	}
	return &schema, nil
}

func (h *Header) checkValidity(now int64) error {
	switch {
	case h.NotAfter <= h.NotBefore:
		return refuse(ErrExpired, "header", atNotAfter, "validity ends before it begins")
	case now < h.NotBefore:
		return refuse(ErrNotYet, "header", atNotBefore, "valid from %s, now is %s",
			utc(h.NotBefore), utc(now))
	case now >= h.NotAfter:
		return refuse(ErrExpired, "header", atNotAfter, "valid until %s, now is %s",
			utc(h.NotAfter), utc(now))
	}
	return nil
}

// fillCells copies the cells and refuses any that names no action or
// contradicts itself.
func (t *Table) fillCells(e entry) error {
	for i := range t.cells {
		v := binary.LittleEndian.Uint16(e.data[2*i:])
		c := decodeCell(uint32(i%States), v)
		if c.Action >= Actions || c.Alt() >= Actions || v&cellReserved != 0 ||
			c.Baseline() != (c.Action == ActionBaseline) {
			return refuse(ErrCell, tagPOLI, e.offset+2*i, "page %d cell %d is %04x: action %d, "+
				"alternative %d of %d", i/States, c.Index, v, c.Action, c.Alt(), Actions)
		}
		t.cells[i] = v
	}
	return nil
}

// utc returns ns since the epoch as a date that an operator can compare.
func utc(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339) }

// goldenStates is how many states per page the self-test looks up.
const goldenStates = 1000

// selfTest looks states up the way the router will and the slow way, edges and
// file bytes, and refuses the table where they differ. The states are raw values
// around the edges, from a fixed sequence.
func (t *Table) selfTest(e entry) error {
	seed := uint64(0)
	for page := range t.pages {
		for range goldenStates {
			var codes Codes
			index := uint32(0)
			for f := range t.schema {
				feature := &t.schema[f]
				seed = seed*6364136223846793005 + 1442695040888963407
				edge := feature.Edges[seed>>33%uint64(feature.Bins-1)]
				x := edge + int64(seed>>40%5) - 2
				codes[f] = feature.Code(x)
				index += feature.Bin(x) * feature.Stride
			}
			at := 2 * (page*States + int(index))
			want := decodeCell(index, binary.LittleEndian.Uint16(e.data[at:]))
			if got := t.Lookup(page, &codes); got != want {
				return refuse(ErrSelfTest, tagPOLI, e.offset+at, "page %d codes %v give cell %d, "+
					"edges give %d", page, codes, got.Index, index)
			}
		}
	}
	return nil
}
