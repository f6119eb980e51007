package policy

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"hash/crc32"
)

// entry is a checked directory entry: data lies within the file.
type entry struct {
	tag    string
	offset int
	data   []byte
	crc    uint32
}

// directory is what a file holds, in file order.
type directory struct{ entries []entry }

// get returns the section with the given tag; nil data when it is absent.
func (d *directory) get(tag string) entry {
	for i := range d.entries {
		if d.entries[i].tag == tag {
			return d.entries[i]
		}
	}
	return entry{tag: tag}
}

// checkHeader does everything that needs only the header: size, magic, byte
// order, version, checksum, and then the size that the header states. A file
// size is believed only once the checksum vouches for it.
func checkHeader(b []byte) error {
	le := binary.LittleEndian
	if len(b) < headerBytes || len(b) > MaxFileBytes {
		return refuse(ErrSize, "header", 0, "file has %d bytes, must be %d to %d",
			len(b), headerBytes, MaxFileBytes)
	}
	if !bytes.Equal(b[:len(magic)], magic[:]) {
		return refuse(ErrMagic, "header", 0, "it begins with %q", b[:len(magic)])
	}
	switch mark := le.Uint32(b[atEndian:]); mark {
	case littleEndian:
	case bigEndian:
		return refuse(ErrEndian, "header", atEndian, "written by a big-endian machine")
	default:
		return refuse(ErrEndian, "header", atEndian, "mark is %08x, must be %08x",
			mark, littleEndian)
	}
	major, minor := le.Uint16(b[atMajor:]), le.Uint16(b[atMinor:])
	if major != versionMajor || minor > versionMinor {
		return refuse(ErrVersion, "header", atMajor, "file is %d.%d, this program reads %d.%d",
			major, minor, versionMajor, versionMinor)
	}
	crc := crc32.Checksum(b[:atHeaderCRC], castagnoli)
	if want := le.Uint32(b[atHeaderCRC:]); crc != want {
		return refuse(ErrHeader, "header", atHeaderCRC, "checksum %08x, must be %08x", crc, want)
	}
	if n := le.Uint64(b[atFileBytes:]); n != uint64(len(b)) {
		return refuse(ErrSize, "header", atFileBytes, "file has %d bytes, header says %d",
			len(b), n)
	}
	return checkHeaderFields(b)
}

// checkHeaderFields refuses what a correct writer of this version cannot write.
func checkHeaderFields(b []byte) error {
	le := binary.LittleEndian
	if n := le.Uint32(b[atHeaderBytes:]); n != headerBytes {
		return refuse(ErrHeader, "header", atHeaderBytes, "header of %d bytes, must be %d",
			n, headerBytes)
	}
	if flags := le.Uint32(b[atFlags:]); flags != 0 {
		return refuse(ErrHeader, "header", atFlags, "unknown flags %08x", flags)
	}
	if i := firstNonZero(b[atReserved:atHeaderCRC]); i >= 0 {
		return refuse(ErrHeader, "header", atReserved+i, "reserved byte is not zero")
	}
	if n := le.Uint32(b[atPages:]); n < 1 || n > MaxPages {
		return refuse(ErrHeader, "header", atPages, "%d pages, must be 1 to %d", n, MaxPages)
	}
	return nil
}

// parseDirectory reads the entries. Sections must stand in the order of the
// format, each at the first aligned byte after the one before, with zeros
// between: so none can overlap and no byte is unaccounted for.
func parseDirectory(b []byte) (*directory, error) {
	le := binary.LittleEndian
	n := le.Uint32(b[atSections:])
	if n > uint32(len(sectionRules)) || headerBytes+int(n)*entryBytes > len(b) {
		return nil, refuse(ErrDirectory, "header", atSections, "%d sections do not fit", n)
	}
	pages := int(le.Uint32(b[atPages:]))
	d := &directory{entries: make([]entry, 0, len(sectionRules))}
	end, rule := headerBytes+int(n)*entryBytes, -1
	for i := range int(n) {
		at := headerBytes + i*entryBytes
		e, next, err := parseEntry(b, at, end, rule, pages)
		if err != nil {
			return nil, err
		}
		d.entries = append(d.entries, e)
		end, rule = e.offset+len(e.data), next
	}
	for r := rule + 1; r < len(sectionRules); r++ {
		if sectionRules[r].required {
			return nil, refuse(ErrDirectory, "directory", end, "section %s is missing",
				sectionRules[r].tag)
		}
	}
	if end != len(b) {
		return nil, refuse(ErrSize, "directory", end, "%d bytes after the last section", len(b)-end)
	}
	return d, nil
}

// parseEntry reads the directory entry at byte at, whose section must follow
// end. rule is the format rule of the section before; it returns its own.
func parseEntry(b []byte, at, end, rule, pages int) (entry, int, error) {
	le := binary.LittleEndian
	r := b[at : at+entryBytes]
	tag := string(r[:4])
	next := ruleOf(tag)
	if next < 0 || next <= rule {
		return entry{}, 0, refuse(ErrDirectory, "directory", at, "section %q is unknown, "+
			"repeated or out of order", tag)
	}
	for skipped := rule + 1; skipped < next; skipped++ {
		if sectionRules[skipped].required {
			return entry{}, 0, refuse(ErrDirectory, "directory", at, "section %s is missing",
				sectionRules[skipped].tag)
		}
	}
	what := &sectionRules[next]
	if le.Uint32(r[4:]) != 0 || le.Uint64(r[32:]) != 0 || le.Uint32(r[24:]) != what.elem {
		return entry{}, 0, refuse(ErrDirectory, tag, at, "unknown flags, reserved bits or "+
			"element size")
	}
	offset, size := le.Uint64(r[8:]), le.Uint64(r[16:])
	want := what.align(end)
	if offset != uint64(want) {
		return entry{}, 0, refuse(ErrDirectory, tag, at+8, "section begins at %d, must at %d",
			offset, want)
	}
	if want > len(b) || size > uint64(len(b)-want) {
		return entry{}, 0, refuse(ErrDirectory, tag, at+16, "%d bytes at %d end after the file",
			size, offset)
	}
	if fault := what.sizeFault(int(size), pages); fault != "" {
		return entry{}, 0, refuse(ErrDirectory, tag, at+16, "%s", fault)
	}
	if i := firstNonZero(b[end:want]); i >= 0 {
		return entry{}, 0, refuse(ErrDirectory, tag, end+i, "padding is not zero")
	}
	e := entry{tag: tag, offset: want, data: b[want : want+int(size)], crc: le.Uint32(r[28:])}
	return e, next, nil
}

// checkSums compares every section with its checksum; SIG0's covers its key.
func (d *directory) checkSums() error {
	for i := range d.entries {
		e := &d.entries[i]
		covered := e.data
		if e.tag == tagSIG0 {
			covered = covered[:ed25519.PublicKeySize]
		}
		if crc := crc32.Checksum(covered, castagnoli); crc != e.crc {
			return refuse(ErrChecksum, e.tag, e.offset, "checksum %08x, directory says %08x",
				crc, e.crc)
		}
	}
	return nil
}

func firstNonZero(b []byte) int {
	for i, c := range b {
		if c != 0 {
			return i
		}
	}
	return -1
}
