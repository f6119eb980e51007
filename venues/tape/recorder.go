package tape

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"penstock/venues/wire"
)

// The recorder's format, described in docs/recording.md:
//
//	magic "PSTKREC1", then blocks of
//	  length u32, CRC-32C of the frame u32, a zstd frame of that length
//
// Each frame holds whole records of
//
//	kind u8, zero u8 ×3, length u32, time i64, CRC-32C of all before and the data u32, data
//
// little endian. The first record is the header (JSON), the last the end; a file
// without an end is cut.
const (
	recordedMagic  = "PSTKREC1"
	recordHead     = 20
	recordHeader   = RecordKind(254)
	recordEnd      = RecordKind(255)
	recordLines    = RecordKind(16) // kinds 16 to 31 are datagrams by line
	frameBytes     = 256 << 10      // of records, before a frame is closed
	frameNanos     = nanosPerSecond // the oldest record of an open frame is not older
	maxRecord      = 64 << 20
	maxFrame       = maxRecord + 2*frameBytes
	recordedFormat = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header says what a recorder's file holds.
type Header struct {
	Version  int    `json:"version"`
	Venue    string `json:"venue"`
	Protocol string `json:"protocol"` // as in the configuration: itch, kraken, …
	Address  string `json:"address"`
	Depth    int    `json:"depth,omitempty"`
	Zone     string `json:"zone,omitempty"`     // whose midnight the times of ITCH count from; empty: UTC
	Midnight int64  `json:"midnight,omitempty"` // of older files: the one that they count from, ns since epoch
	// Snapshots says that books may begin with a snapshot beside the stream.
	Snapshots bool           `json:"snapshots,omitempty"`
	Symbols   []HeaderSymbol `json:"symbols"`
}

// day returns the midnight from which the venue counted at a time; ns since epoch, both.
func (h *Header) day() (func(now int64) int64, error) {
	if h.Midnight != 0 {
		return func(int64) int64 { return h.Midnight }, nil
	}
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return nil, fmt.Errorf("header: zone: %w", err)
	}
	return wire.Midnight(zone), nil
}

// HeaderSymbol is one instrument of a recording.
type HeaderSymbol struct {
	Instrument     string `json:"instrument"`
	Text           string `json:"text"` // as the venue writes it
	PriceDecimals  uint8  `json:"price_decimals"`
	QtyDecimals    uint8  `json:"qty_decimals"`
	PricePrecision uint8  `json:"price_precision,omitempty"`
	QtyPrecision   uint8  `json:"qty_precision,omitempty"`
}

// Recorder writes records to one file. After an error nothing more is written, and
// every further call returns it. Not safe for concurrent use.
type Recorder struct {
	w     io.Writer
	z     *zstd.Encoder
	raw   []byte // the open frame
	out   []byte
	since int64 // time of its first record
	last  int64
	count int64
	err   error
}

// NewRecorder writes the header.
func NewRecorder(w io.Writer, h Header) (*Recorder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, err
	}
	h.Version = recordedFormat
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	r := &Recorder{w: w, z: z}
	if _, err := io.WriteString(w, recordedMagic); err != nil {
		return nil, err
	}
	r.add(0, recordHeader, text)
	return r, r.Flush()
}

// Record appends one record received at now (ns since epoch); a clock that goes back
// is held. Kinds are those of RecordKind, and 16 plus the number of a line for
// datagrams.
func (r *Recorder) Record(now int64, kind RecordKind, b []byte) error {
	if r.err == nil && len(b) > maxRecord {
		r.err = fmt.Errorf("record of %d bytes, the most is %d", len(b), maxRecord)
	}
	if r.err != nil {
		return r.err
	}
	r.last = max(r.last, now)
	if len(r.raw) == 0 {
		r.since = r.last
	}
	r.add(r.last, kind, b)
	r.count++
	return r.Tick(now)
}

// Tick closes the open frame when it is full or old enough.
func (r *Recorder) Tick(now int64) error {
	if len(r.raw) >= frameBytes || len(r.raw) > 0 && now-r.since >= frameNanos {
		return r.Flush()
	}
	return r.err
}

// Count returns the records so far.
func (r *Recorder) Count() int64 { return r.count }

func (r *Recorder) add(now int64, kind RecordKind, b []byte) {
	at := len(r.raw)
	r.raw = append(r.raw, byte(kind), 0, 0, 0)
	r.raw = binary.LittleEndian.AppendUint32(r.raw, uint32(len(b)))
	r.raw = binary.LittleEndian.AppendUint64(r.raw, uint64(now))
	sum := crc32.Update(crc32.Checksum(r.raw[at:], castagnoli), castagnoli, b)
	r.raw = binary.LittleEndian.AppendUint32(r.raw, sum)
	r.raw = append(r.raw, b...)
}

// Flush closes the open frame and writes it.
func (r *Recorder) Flush() error {
	if r.err != nil || len(r.raw) == 0 {
		return r.err
	}
	r.out = append(r.out[:0], 0, 0, 0, 0, 0, 0, 0, 0)
	r.out = r.z.EncodeAll(r.raw, r.out)
	binary.LittleEndian.PutUint32(r.out, uint32(len(r.out)-8))
	binary.LittleEndian.PutUint32(r.out[4:], crc32.Checksum(r.out[8:], castagnoli))
	r.raw = r.raw[:0]
	if n, err := r.w.Write(r.out); err != nil {
		r.err = err
	} else if n < len(r.out) {
		r.err = io.ErrShortWrite
	}
	return r.err
}

// Close writes the end. It does not close the writer.
func (r *Recorder) Close() error {
	if r.err == nil {
		r.add(r.last, recordEnd, nil)
	}
	err := r.Flush()
	if r.err == nil {
		r.err = errors.New("the recorder is closed")
	}
	return err
}
