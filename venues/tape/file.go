package tape

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxLine bounds one recorded message. The longest one known is a 46,000-level
// snapshot of 5.8 MB.
const maxLine = 32 << 20

// file is the decompressed content of one recording with the position in it.
type file struct {
	path   string
	r      *bufio.Reader
	close  []func() error
	line   int64 // lines read
	offset int64 // bytes read
	long   []byte
}

// packings maps the first bytes of a file to how it is packed.
var packings = []struct {
	suffix string
	magic  []byte
	open   func(*os.File) (io.Reader, func() error, error)
}{
	{".gz", []byte{0x1f, 0x8b}, openGzip},
	{".zst", []byte{0x28, 0xb5, 0x2f, 0xfd}, openZstd},
	{".zip", []byte("PK\x03\x04"), openZip},
}

// openFile opens path and undoes its packing, which the first bytes tell. A
// name that promises another packing than the bytes is an error.
//
// path may name a file within a tar archive, itself packed or not:
// archive.tar.zst!folder/file.pcap.
func openFile(path string) (*file, error) {
	if archive, member, ok := strings.Cut(path, "!"); ok {
		return openMember(path, archive, member)
	}
	raw, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	f := &file{path: path, close: []func() error{raw.Close}}
	content, err := f.unpack(raw)
	if err != nil {
		f.Close()
		return nil, &Error{Path: path, Err: err}
	}
	f.r = bufio.NewReaderSize(content, 1<<18)
	return f, nil
}

func (f *file) unpack(raw *os.File) (io.Reader, error) {
	info, err := raw.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() == 0:
		return nil, ErrEmpty
	}
	var head [4]byte
	n, err := raw.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, p := range packings {
		if bytes.HasPrefix(head[:n], p.magic) {
			content, closer, err := p.open(raw)
			if closer != nil {
				f.close = append(f.close, closer)
			}
			return content, err
		}
	}
	if suffix := strings.ToLower(filepath.Ext(f.path)); packed(suffix) {
		return nil, fmt.Errorf("%w (%s)", ErrNotPacked, suffix)
	}
	return raw, nil
}

func packed(suffix string) bool {
	for _, p := range packings {
		if p.suffix == suffix {
			return true
		}
	}
	return false
}

func openGzip(raw *os.File) (io.Reader, func() error, error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(raw, 1<<16))
	if err != nil {
		return nil, nil, err
	}
	return z, nil, nil
}

func openZstd(raw *os.File) (io.Reader, func() error, error) {
	// One decoder on this goroutine: recordings are read in step with the core.
	z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, nil, err
	}
	return z, func() error { z.Close(); return nil }, nil
}

func openZip(raw *os.File) (io.Reader, func() error, error) {
	info, err := raw.Stat()
	if err != nil {
		return nil, nil, err
	}
	archive, err := zip.NewReader(raw, info.Size())
	if err != nil {
		return nil, nil, err
	}
	if len(archive.File) != 1 {
		return nil, nil, fmt.Errorf("a zip recording holds one file, this one %d", len(archive.File))
	}
	content, err := archive.File[0].Open()
	if err != nil {
		return nil, nil, err
	}
	return content, content.Close, nil
}

// Close releases the file; it may be called again.
func (f *file) Close() {
	for i := len(f.close) - 1; i >= 0; i-- {
		f.close[i]() // nothing was written: an error here loses nothing
	}
	f.close = nil
}

// fail returns err with the place of the line or bytes just read.
func (f *file) fail(err error) error {
	return &Error{Path: f.path, Line: f.line, Offset: f.offset, Err: err}
}

// readLine returns the next line without its end; io.EOF at the clean end. The
// slice is valid until the next call.
func (f *file) readLine() ([]byte, error) {
	f.line++
	f.long = f.long[:0]
	for {
		part, err := f.r.ReadSlice('\n')
		f.offset += int64(len(part))
		if err == bufio.ErrBufferFull {
			f.long = append(f.long, part...)
			if len(f.long) > maxLine {
				return nil, f.fail(ErrLineLength)
			}
			continue
		}
		if len(f.long) > 0 {
			f.long = append(f.long, part...)
			part = f.long
		}
		switch {
		case err == io.EOF && len(part) == 0:
			f.line--
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, f.fail(err)
		}
		return bytes.TrimRight(part, "\r\n"), nil
	}
}

// readSome fills b and returns how much of it was there; it is an error when that is
// not all.
func (f *file) readSome(b []byte) (int, error) {
	n, err := io.ReadFull(f.r, b)
	f.offset += int64(n)
	if err == io.EOF && len(b) > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && len(b) > 0 {
		return n, f.fail(err)
	}
	return n, nil
}

// readGrowing appends n bytes to b, growing it no faster than they come: a damaged
// length takes no memory.
func (f *file) readGrowing(b []byte, n int) ([]byte, error) {
	for len(b) < n {
		at := len(b)
		b = append(b, make([]byte, min(n-at, 1<<20))...)
		got, err := f.readSome(b[at:])
		if err != nil {
			return b[:at+got], err
		}
	}
	return b, nil
}

// readFull fills b; io.EOF when not one byte is left.
func (f *file) readFull(b []byte) error {
	n, err := io.ReadFull(f.r, b)
	f.offset += int64(n)
	if err == nil || err == io.EOF {
		return err
	}
	return f.fail(err)
}
