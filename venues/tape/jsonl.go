package tape

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// jsonl reads captures whose lines are JSON objects: t is header, http, connect,
// send or recv, ts the time in decimal seconds, data the raw frame as a string, conn
// the name of the connection, addr or url its address. Lines recv and http are
// records.
type jsonl struct {
	f      *file
	parser fastjson.Parser
	stamp  []byte
	conns  map[string]string // address of each connection that was opened
}

func (c *jsonl) next() (Record, error) {
	for {
		line, err := c.f.readLine()
		if err != nil {
			return Record{}, err
		}
		v, err := c.parser.ParseBytes(line)
		if err != nil {
			return Record{}, c.f.fail(fmt.Errorf("%w: %w", ErrLine, err))
		}
		r := Record{}
		switch string(v.GetStringBytes("t")) {
		case "connect":
			if c.conns == nil {
				c.conns = map[string]string{}
			}
			c.conns[string(v.GetStringBytes("conn"))] = address(v.GetStringBytes("addr"))
			continue
		case "recv":
			r.Conn = c.conns[string(v.GetStringBytes("conn"))]
		case "http":
			r.Kind, r.Conn = HTTP, string(v.GetStringBytes("url"))
		default:
			continue
		}
		ts, data := v.Get("ts"), v.GetStringBytes("data")
		if ts == nil || ts.Type() != fastjson.TypeNumber || data == nil {
			return Record{}, c.f.fail(errors.New("recv or http line without ts or data"))
		}
		c.stamp = ts.MarshalTo(c.stamp[:0]) // the number's own text
		now, err := decimalNanos(c.stamp)
		if err != nil {
			return Record{}, c.f.fail(err)
		}
		r.Time, r.Data = now, data
		return r, nil
	}
}

// bare reads lines that are raw JSON frames without a receive time. The frame's
// own time stands for it; frames without one share the time before them, and
// those before the first such time share the first.
type bare struct {
	f     *file
	now   int64
	queue [][]byte // frames before the first time
}

func (c *bare) next() (Record, error) {
	for c.now == 0 {
		line, err := c.f.readLine()
		if err != nil {
			return Record{}, c.untimed(err)
		}
		c.queue = append(c.queue, bytes.Clone(line))
		if len(c.queue) > 1000 {
			return Record{}, c.f.fail(errors.New("1000 frames without any time"))
		}
		c.now = frameTime(line)
	}
	if len(c.queue) > 0 {
		line := c.queue[0]
		c.queue = c.queue[1:]
		return Record{Time: c.now, Data: line}, nil
	}
	line, err := c.f.readLine()
	if err != nil {
		return Record{}, err
	}
	c.now = max(c.now, frameTime(line))
	return Record{Time: c.now, Data: line}, nil
}

func (c *bare) untimed(err error) error {
	if _, cut := err.(*Error); cut || len(c.queue) == 0 {
		return err
	}
	return c.f.fail(errors.New("no frame carries a time (timestamp, time_out, time, ts)"))
}

// frameTime returns the time that a frame carries, 0 for none.
func frameTime(line []byte) int64 {
	for _, key := range []string{`"timestamp":"`, `"time_out":"`, `"time":"`} {
		if _, rest, ok := bytes.Cut(line, []byte(key)); ok {
			text, _, _ := bytes.Cut(rest, []byte{'"'})
			if t, err := time.Parse(time.RFC3339Nano, string(text)); err == nil {
				return t.UnixNano()
			}
		}
	}
	return milliseconds(line)
}

// milliseconds returns the time of a frame that has it as "ts":1733011200691, 0 for
// none.
func milliseconds(line []byte) int64 {
	_, rest, ok := bytes.Cut(line, []byte(`"ts":`))
	if !ok {
		return 0
	}
	end := 0
	for end < len(rest) && rest[end]-'0' <= 9 {
		end++
	}
	ms, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	if err != nil || end != 13 {
		return 0
	}
	return ms * nanosPerMilli
}
