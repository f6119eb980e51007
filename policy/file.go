package policy

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// MaxFileBytes bounds a file: four pages with all optional sections are 24 MB.
const MaxFileBytes = 64 << 20

// maxJSONBytes bounds the sections META and GATE.
const maxJSONBytes = 64 << 10

const (
	headerBytes   = 256
	entryBytes    = 40
	sectionAlign  = 64
	policyAlign   = 4096
	versionMajor  = 1
	versionMinor  = 1 // 1: sections SGNL and PAGE
	littleEndian  = 0x01020304
	bigEndian     = 0x04030201
	signatureSize = ed25519.PublicKeySize + ed25519.SignatureSize
)

var magic = [8]byte{'P', 'E', 'N', 'P', 'O', 'L', 0, 1}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Offsets in the header; what they leave out is zero.
const (
	atEndian       = 8
	atMajor        = 12
	atMinor        = 14
	atHeaderBytes  = 16
	atSections     = 20
	atFileBytes    = 24
	atBuildTime    = 32
	atNotBefore    = 40
	atNotAfter     = 48
	atFeatures     = 56
	atActions      = 60
	atStates       = 64
	atPages        = 68
	atFeatureHash  = 72
	atActionHash   = 80
	atFallback     = 88
	atFlags        = 92
	atUUID         = 96
	atTrainData    = 112
	atGateReport   = 144
	atParentPolicy = 176
	atReserved     = 208
	atHeaderCRC    = 252
)

// sectionRule is what the format says about a section, in file order.
type sectionRule struct {
	tag      string
	elem     uint32 // bytes of one element
	required bool
	perPage  int // bytes of one page, 0 when the size does not follow from the pages
	fixed    int // bytes, 0 when free
	limit    int // bytes, when neither is set
}

const (
	tagFEAT = "FEAT"
	tagLUT8 = "LUT8"
	tagACTN = "ACTN"
	tagPOLI = "POLI"
	tagMETA = "META"
	tagPAGE = "PAGE"
	tagGATE = "GATE"
	tagSIG0 = "SIG0"
)

var sectionRules = [...]sectionRule{
	{tag: tagFEAT, elem: featureBytes, required: true, fixed: featBytes},
	{tag: tagLUT8, elem: 4, required: true, fixed: Features * 256 * 4},
	{tag: tagACTN, elem: actionBytes, required: true, fixed: actnBytes},
	{tag: tagPOLI, elem: 2, required: true, perPage: States * 2},
	{tag: tagMETA, elem: 1, required: true, limit: maxJSONBytes},
	{tag: tagSGNL, elem: 1, fixed: signalBytes},
	{tag: tagPAGE, elem: 1, fixed: pageBytes},
	{tag: "QVAL", elem: 4, perPage: States * Actions * 4},
	{tag: "QSTD", elem: 4, perPage: States * Actions * 4},
	{tag: "NVIS", elem: 4, perPage: States * Actions * 4},
	{tag: "COEF", elem: 4, limit: 1 << 20},
	{tag: "SEEN", elem: 1, limit: 16 << 20},
	{tag: "BASE", elem: 1, limit: 16 << 20},
	{tag: tagGATE, elem: 1, limit: maxJSONBytes},
	{tag: tagSIG0, elem: 1, fixed: signatureSize},
}

func ruleOf(tag string) int {
	for i := range sectionRules {
		if sectionRules[i].tag == tag {
			return i
		}
	}
	return -1
}

// sizeFault says what is wrong with a section of n bytes, "" when nothing is.
func (r *sectionRule) sizeFault(n, pages int) string {
	want := r.fixed
	if r.perPage > 0 {
		want = r.perPage * pages
	}
	switch {
	case want > 0 && n != want:
		return fmt.Sprintf("%d bytes, must be %d", n, want)
	case want == 0 && (n == 0 || n > r.limit):
		return fmt.Sprintf("%d bytes, must be 1 to %d", n, r.limit)
	}
	return ""
}

func (r *sectionRule) align(offset int) int {
	step := sectionAlign
	if r.tag == tagPOLI {
		step = policyAlign
	}
	return (offset + step - 1) / step * step
}

// Encode returns t as a file, signed when key is not nil. SIG0 holds the public
// key and the ed25519 signature over all bytes before the section. The directory
// is among those bytes, so its checksum of SIG0 covers the key alone.
func Encode(t *Table, key ed25519.PrivateKey) ([]byte, error) {
	sections, err := t.encodeSections()
	if err != nil {
		return nil, err
	}
	if key != nil {
		if len(key) != ed25519.PrivateKeySize {
			return nil, fmt.Errorf("policy table: signing key has %d bytes, must be %d",
				len(key), ed25519.PrivateKeySize)
		}
		sig := make([]byte, signatureSize)
		copy(sig, key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
		sections = append(sections, Section{Tag: tagSIG0, Data: sig})
	}
	file := make([]byte, headerBytes+entryBytes*len(sections))
	for i := range sections {
		rule := &sectionRules[ruleOf(sections[i].Tag)]
		offset := rule.align(len(file))
		file = append(file, make([]byte, offset-len(file))...)
		putEntry(file[headerBytes+entryBytes*i:], &sections[i], offset, rule.elem)
		file = append(file, sections[i].Data...)
	}
	t.putHeader(file, len(sections))
	if key != nil {
		body := file[:len(file)-signatureSize]
		copy(file[len(file)-ed25519.SignatureSize:], ed25519.Sign(key, body))
	}
	return file, nil
}

// encodeSections returns all sections but the signature, in file order.
func (t *Table) encodeSections() ([]Section, error) {
	meta, err := t.meta.encode()
	if err != nil {
		return nil, err
	}
	if t.header.NotAfter <= t.header.NotBefore {
		return nil, refuse(errEncode, "header", atNotAfter, "validity ends before it begins")
	}
	sections := []Section{
		{Tag: tagFEAT, Data: t.schema.append(nil)},
		{Tag: tagLUT8, Data: t.lut.append(nil)},
		{Tag: tagACTN, Data: appendActions(nil)},
		{Tag: tagPOLI, Data: t.appendCells(nil)},
		{Tag: tagMETA, Data: meta},
	}
	last := ruleOf(tagMETA)
	for i := range t.extra {
		rule := ruleOf(t.extra[i].Tag)
		if rule <= last || rule == ruleOf(tagSIG0) {
			return nil, refuse(errEncode, t.extra[i].Tag, 0,
				"optional sections are SGNL PAGE QVAL QSTD NVIS COEF SEEN BASE GATE, once each in this order")
		}
		last = rule
		sections = append(sections, t.extra[i])
	}
	for i := range sections {
		rule := &sectionRules[ruleOf(sections[i].Tag)]
		if fault := rule.sizeFault(len(sections[i].Data), t.pages); fault != "" {
			return nil, refuse(errEncode, sections[i].Tag, 0, "%s", fault)
		}
	}
	return sections, nil
}

// putEntry writes a directory entry: tag[4], flags u32, off u64, len u64, elem
// u32, crc32c u32, reserved u64.
func putEntry(dst []byte, s *Section, offset int, elem uint32) {
	covered := s.Data
	if s.Tag == tagSIG0 {
		covered = covered[:ed25519.PublicKeySize]
	}
	copy(dst, s.Tag)
	binary.LittleEndian.PutUint64(dst[8:], uint64(offset))
	binary.LittleEndian.PutUint64(dst[16:], uint64(len(s.Data)))
	binary.LittleEndian.PutUint32(dst[24:], elem)
	binary.LittleEndian.PutUint32(dst[28:], crc32.Checksum(covered, castagnoli))
}

func (t *Table) putHeader(file []byte, sections int) {
	le := binary.LittleEndian
	h := &t.header
	copy(file, magic[:])
	le.PutUint32(file[atEndian:], littleEndian)
	le.PutUint16(file[atMajor:], versionMajor)
	le.PutUint16(file[atMinor:], versionMinor)
	le.PutUint32(file[atHeaderBytes:], headerBytes)
	le.PutUint32(file[atSections:], uint32(sections))
	le.PutUint64(file[atFileBytes:], uint64(len(file)))
	le.PutUint64(file[atBuildTime:], uint64(h.BuildTime))
	le.PutUint64(file[atNotBefore:], uint64(h.NotBefore))
	le.PutUint64(file[atNotAfter:], uint64(h.NotAfter))
	le.PutUint32(file[atFeatures:], Features)
	le.PutUint32(file[atActions:], Actions)
	le.PutUint32(file[atStates:], States)
	le.PutUint32(file[atPages:], uint32(t.pages))
	le.PutUint64(file[atFeatureHash:], FeatureSchemaHash)
	le.PutUint64(file[atActionHash:], ActionSchemaHash)
	le.PutUint32(file[atFallback:], uint32(ActionBaseline))
	copy(file[atUUID:], h.UUID[:])
	copy(file[atTrainData:], h.TrainData[:])
	copy(file[atGateReport:], h.GateReport[:])
	copy(file[atParentPolicy:], h.ParentPolicy[:])
	le.PutUint32(file[atHeaderCRC:], crc32.Checksum(file[:atHeaderCRC], castagnoli))
}

func (l *lut) append(dst []byte) []byte {
	for f := range l {
		for _, v := range l[f] {
			dst = binary.LittleEndian.AppendUint32(dst, v)
		}
	}
	return dst
}

func (t *Table) appendCells(dst []byte) []byte {
	for _, v := range t.cells {
		dst = binary.LittleEndian.AppendUint16(dst, v)
	}
	return dst
}

// contentUUID returns an RFC 9562 version 8 UUID made of the content that
// decides: quantisation, templates, cells, signal, pages and metadata. Equal tables get equal
// names, whenever they are built.
func (t *Table) contentUUID() ([16]byte, error) {
	meta, err := t.meta.encode()
	if err != nil {
		return [16]byte{}, err
	}
	content := t.schema.append([]byte("penstock policy table\n"))
	content = t.appendCells(appendActions(t.lut.append(content)))
	for _, s := range t.extra {
		if s.Tag == tagSGNL || s.Tag == tagPAGE {
			content = append(append(content, s.Tag...), s.Data...)
		}
	}
	sum := sha256.Sum256(append(content, meta...))
	uuid := [16]byte(sum[:16])
	uuid[6] = uuid[6]&0x0f | 0x80
	uuid[8] = uuid[8]&0x3f | 0x80
	return uuid, nil
}
