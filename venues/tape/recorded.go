package tape

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"penstock/event"
	"penstock/venues/itch"
	"penstock/venues/jsonws"
)

var errRecorded = errors.New("not a file of penstock record")

// recorded reads the recorder's format, see recorder.go.
type recorded struct {
	f     *file
	z     *zstd.Decoder
	frame []byte
	raw   []byte // of the frame, what was not read yet
	store []byte
	conn  string
	ended bool
}

func containRecorded(f *file, _ *Feed) (container, error) {
	c, _, err := openRecorded(f)
	return c, err
}

// openRecorded reads the header.
func openRecorded(f *file) (*recorded, *Header, error) {
	var magic [8]byte
	if err := f.readFull(magic[:]); err != nil {
		return nil, nil, f.fail(io.ErrUnexpectedEOF)
	}
	if string(magic[:]) != recordedMagic {
		return nil, nil, f.fail(fmt.Errorf("%w: it begins with %q", errRecorded, magic))
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		return nil, nil, err
	}
	f.close = append(f.close, func() error { z.Close(); return nil })
	c := &recorded{f: f, z: z}
	r, err := c.record()
	if err != nil {
		return nil, nil, err
	}
	h := &Header{}
	if r.Kind != recordHeader {
		return nil, nil, f.fail(fmt.Errorf("%w: it has no header", errRecorded))
	}
	if err := json.Unmarshal(r.Data, h); err != nil {
		return nil, nil, f.fail(fmt.Errorf("%w: header: %w", errRecorded, err))
	}
	if h.Version != recordedFormat || len(h.Symbols) == 0 {
		return nil, nil, f.fail(fmt.Errorf("%w: version %d with %d symbols, this build reads version %d", errRecorded,
			h.Version, len(h.Symbols), recordedFormat))
	}
	return c, h, nil
}

func (c *recorded) next() (Record, error) {
	for {
		r, err := c.record()
		if err != nil {
			return r, err
		}
		switch {
		case r.Kind == recordEnd:
			if _, err := c.f.r.Peek(1); err != io.EOF || len(c.raw) > 0 {
				return Record{}, c.f.fail(fmt.Errorf("%w: something follows its end", errRecorded))
			}
			c.ended = true
		case r.Kind == Opened:
			c.conn = address(r.Data)
		case r.Kind == Closed:
		case r.Kind == HTTP:
			url, body, _ := bytes.Cut(r.Data, []byte{'\n'})
			return Record{Time: r.Time, Kind: HTTP, Conn: string(url), Data: body}, nil
		case r.Kind >= recordLines && r.Kind < 2*recordLines:
			return Record{Time: r.Time, Data: r.Data}, nil
		case r.Kind == Snapshot:
			return r, nil
		case r.Kind == Received:
			return Record{Time: r.Time, Data: r.Data, Conn: c.conn}, nil
		default:
			return Record{}, c.f.fail(fmt.Errorf("%w: record of kind %d", errRecorded, r.Kind))
		}
	}
}

// record returns the next record of any kind; the file ends cleanly only behind the
// record that says so.
func (c *recorded) record() (r Record, err error) {
	for len(c.raw) == 0 {
		if err := c.open(); err != nil {
			return r, err
		}
	}
	if len(c.raw) < recordHead {
		return r, c.f.fail(fmt.Errorf("%w: %d bytes at the end of a frame", errRecorded, len(c.raw)))
	}
	head, size := c.raw[:recordHead], binary.LittleEndian.Uint32(c.raw[4:])
	if uint64(size) > uint64(len(c.raw)-recordHead) {
		return r, c.f.fail(fmt.Errorf("%w: record of %d bytes in a frame with %d left", errRecorded, size, len(c.raw)))
	}
	r = Record{Kind: RecordKind(head[0]), Time: int64(binary.LittleEndian.Uint64(head[8:])),
		Data: c.raw[recordHead : recordHead+size]}
	sum := crc32.Update(crc32.Checksum(head[:16], castagnoli), castagnoli, r.Data)
	if sum != binary.LittleEndian.Uint32(head[16:]) {
		return r, c.f.fail(fmt.Errorf("%w: CRC-32C of a record", errRecorded))
	}
	c.raw = c.raw[recordHead+size:]
	return r, nil
}

// open unpacks the next frame.
func (c *recorded) open() error {
	var head [8]byte
	if err := c.f.readFull(head[:]); err != nil {
		if err == io.EOF && !c.ended {
			return c.f.fail(io.ErrUnexpectedEOF)
		}
		return err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > maxFrame {
		return c.f.fail(fmt.Errorf("%w: frame of %d bytes", errRecorded, size))
	}
	var err error
	if c.frame, err = c.f.readGrowing(c.frame[:0], int(size)); err != nil {
		return err
	}
	if crc32.Checksum(c.frame, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return c.f.fail(fmt.Errorf("%w: CRC-32C of a frame", errRecorded))
	}
	if c.store, err = c.z.DecodeAll(c.frame, c.store[:0]); err != nil {
		return c.f.fail(fmt.Errorf("%w: %w", errRecorded, err))
	}
	c.raw = c.store
	return nil
}

// ReadHeader returns the header of a recorder's file.
func ReadHeader(path string) (*Header, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, h, err := openRecorded(f)
	return h, err
}

// complete fills a feed of a recorder's file from its header: the instrument that it
// names, or the first.
func (f *Feed) complete() error {
	if f.Format != "recorded" {
		return nil
	}
	h, err := ReadHeader(f.Paths[0])
	if err != nil {
		return err
	}
	for i := range h.Symbols {
		s := &h.Symbols[i]
		if f.Instrument == "" || f.Instrument == s.Instrument {
			f.Instrument, f.Symbol = s.Instrument, s.Text
			f.Decimals = &[2]uint8{s.PriceDecimals, s.QtyDecimals}
			f.Precision, f.Depth = s.precision(), h.Depth
			return nil
		}
	}
	return fmt.Errorf("feed %s: %s was not recorded in %s", f.Venue, f.Instrument, f.Paths[0])
}

// byOrder reports whether the recording names displayed orders one by one.
func (f *Feed) byOrder(format *Format) bool {
	if f.Format != "recorded" {
		return format.byOrder
	}
	h, err := ReadHeader(f.Paths[0])
	return err == nil && slices.Contains(ordered, h.Protocol)
}

// ordered are the protocols of feeds that name displayed orders one by one.
var ordered = []string{"itch", "coinbase-full"}

// precision is nil where the venue's is not known.
func (s *HeaderSymbol) precision() *[2]uint8 {
	if s.PricePrecision == 0 && s.QtyPrecision == 0 {
		return nil
	}
	return &[2]uint8{s.PricePrecision, s.QtyPrecision}
}

func surveyRecorded(feed *Feed) (list []listed, err error) {
	h, err := ReadHeader(feed.Paths[0])
	if err != nil {
		return nil, err
	}
	feed.Depth = h.Depth
	for i := range h.Symbols {
		s := &h.Symbols[i]
		in := made(s.Instrument, s.PriceDecimals, s.QtyDecimals).Instrument
		list = append(list, listed{text: s.Text, instrument: &in, precision: s.precision()})
	}
	return list, nil
}

// protocols says how what a live feed received is decoded again: one line for each
// protocol of the configuration.
var protocols = map[string]func(*Feed, target, event.Sink) (decoder, error){
	"itch":     newRecordedITCH,
	"kraken":   playJSON(buildKraken),
	"coinbase": playJSON(func(c jsonws.Config, _ *Feed) (jsonDecoder, error) { return jsonws.NewCoinbase(c, true) }),
	"fix":      newFIX,

	"kraken-v1":         playJSON(buildKrakenV1),
	"coinbase-full":     playJSON(buildCoinbaseFull),
	"coinbase-advanced": playJSON(buildCoinbaseAdvanced),
	"binance-spot":      newBinanceSpot,
	"binance-usdm":      newBinanceUSDM,
	"binance-cm":        newBinanceCM,
	"okx":               playJSON(buildOKX),
	"bybit-spot":        playJSON(buildBybit),
	"bybit-linear":      playJSON(buildBybit),
	"gemini":            playJSON(buildGemini),
	"bitstamp":          playJSON(buildBitstamp),
}

// Plays reports whether what a live feed of a protocol receives can be played again.
func Plays(protocol string) bool { return protocols[protocol] != nil }

func newRecorded(feed *Feed, to target, sink event.Sink) (decoder, error) {
	h, err := ReadHeader(feed.Paths[0])
	if err != nil {
		return decoder{}, err
	}
	build, ok := protocols[h.Protocol]
	if !ok {
		return decoder{}, fmt.Errorf("%s was recorded from protocol %q, which this build cannot play", feed.Paths[0],
			h.Protocol)
	}
	return build(feed, to, sink)
}

// recordedITCH plays what a live ITCH feed received: the answers of the re-request
// server are among the packets, so gaps are filled as they were then.
type recordedITCH struct {
	decoder  *itch.Decoder
	receiver *itch.Receiver
	was      itch.State
	refused  error
}

func newRecordedITCH(feed *Feed, to target, sink event.Sink) (decoder, error) {
	h, err := ReadHeader(feed.Paths[0])
	if err != nil {
		return decoder{}, err
	}
	day, err := h.day()
	if err != nil {
		return decoder{}, err
	}
	t := &recordedITCH{}
	if t.decoder, err = itch.NewDecoder(itch.Config{Venue: to.venue, Sink: sink,
		Symbols: itchSymbols(to), Midnight: day}); err != nil {
		return decoder{}, err
	}
	t.receiver, err = itch.NewReceiver(itch.ReceiverConfig{
		Begin:   func(now int64) bool { t.was = itch.Waiting; t.decoder.Reset(now); return true },
		Deliver: t.deliver, FromStart: !h.Snapshots, Snapshot: h.Snapshots, Lines: 1, SilenceNanos: NoTime,
		RequestNanos: NoTime, RequestMessages: itch.DefaultRequestMessages, GiveUpRequests: itch.DefaultGiveUpRequests,
		HeldPackets: 4096,
	})
	return decoder{receive: t.receive, snapshot: t.snapshot, count: t.count}, err
}

// snapshot takes a message of a snapshot. One that nothing in the recorded stream
// asked for was taken for a reason that is not in it: the books begin again.
func (t *recordedITCH) snapshot(now int64, msg []byte) error {
	if !t.receiver.WantsSnapshot() {
		t.decoder.Stale(now, event.ReasonStale)
		t.receiver.Restart(now)
	}
	seq, end, err := itch.EndOfSnapshot(msg)
	switch {
	case err != nil:
		return err
	case !end:
		return t.decoder.Decode(now, msg)
	}
	t.receiver.Continue(now, seq)
	t.follow(now)
	return nil
}

func (t *recordedITCH) deliver(now int64, msg []byte) error {
	err := t.decoder.Decode(now, msg)
	if err != nil && !errors.Is(err, itch.ErrType) {
		t.refused = err
	}
	return err
}

func (t *recordedITCH) receive(now int64, datagram []byte) error {
	t.refused = nil
	// Every packet counts as one of line 0: where lines repeat each other, the
	// receiver drops what it knows.
	if err := t.receiver.Receive(now, 0, datagram); err != nil {
		return err
	}
	t.follow(now)
	return t.refused
}

func (t *recordedITCH) follow(now int64) {
	is := t.receiver.State()
	if is == itch.Awaiting {
		is = itch.InOrder
	}
	switch {
	case is == t.was:
	case is == itch.Recovering && t.was == itch.InOrder:
		t.decoder.Stale(now, event.ReasonGap)
	case (is == itch.InOrder || is == itch.Ended) && t.receiver.Whole():
		t.decoder.Live(now)
	}
	t.was = is
}

// count tells a gap only when it was never filled.
func (t *recordedITCH) count(s *Stats) {
	d, r := t.decoder.Stats(), t.receiver.Stats()
	s.Foreign += int64(d.Ignored + d.Unknown + r.Foreign)
	if t.receiver.State() == itch.Recovering {
		s.Gaps++
	}
	s.Beats += int64(r.Heartbeats)
	s.addTypes(&d.Types)
}
