package jsonws

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// httpResponse reads one HTTP/1.1 response to a GET as its bytes come (RFC 9112).
// Bodies come whole: with a length, in chunks, or up to the end of the
// connection.
type httpResponse struct {
	max    int // longest body taken, bytes
	status int
	retry  string // Retry-After
	keep   bool   // another request may follow on the connection
	body   []byte

	state httpState
	left  int // bytes of the body, or of the chunk, that have not come
}

type httpState uint8

const (
	httpHead httpState = iota
	httpLength
	httpToEnd
	httpChunkSize
	httpChunk
	httpChunkEnd
	httpTrailer
	httpDone
)

// lineMax bounds a chunk's size line and a trailer line.
const lineMax = 1 << 10

func (r *httpResponse) reset(max int) {
	*r = httpResponse{max: max, body: r.body[:0]}
}

// take reads from b and returns how much of it is of no use any more.
func (r *httpResponse) take(b []byte) (n int, err error) {
	for r.state != httpDone {
		k, err := r.step(b[n:])
		if err != nil || k == 0 {
			return n, err
		}
		n += k
	}
	return n, nil
}

// step takes one thing off b; 0 says that more of it has to come.
func (r *httpResponse) step(b []byte) (int, error) {
	switch r.state {
	case httpHead:
		return r.head(b)
	case httpLength, httpToEnd, httpChunk:
		n := min(r.left, len(b))
		if len(r.body)+n > r.max {
			return 0, fmt.Errorf("body of more than %d bytes", r.max)
		}
		r.body = append(r.body, b[:n]...)
		if r.left -= n; r.left > 0 {
			return n, nil
		}
		if r.state == httpChunk {
			r.state = httpChunkEnd
		} else {
			r.state = httpDone
		}
		return n, nil
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(b) > lineMax {
			return 0, fmt.Errorf("line of more than %d bytes between chunks", lineMax)
		}
		return 0, nil
	}
	if end == 0 || bytes.IndexByte(b[:end], '\r') != end-1 {
		return 0, fmt.Errorf("line between chunks does not end as it must")
	}
	return end + 1, r.line(b[:end-1])
}

// line takes a line between chunks.
func (r *httpResponse) line(line []byte) error {
	switch r.state {
	case httpChunkEnd:
		if len(line) > 0 {
			return fmt.Errorf("chunk is longer than its size")
		}
		r.state = httpChunkSize
	case httpChunkSize:
		size, _, _ := bytes.Cut(line, []byte{';'})
		n, err := strconv.ParseUint(string(bytes.TrimRight(size, " \t")), 16, 31)
		if err != nil {
			return fmt.Errorf("chunk size %q", size)
		}
		if r.left, r.state = int(n), httpChunk; n == 0 {
			r.state = httpTrailer
		}
	case httpTrailer:
		if len(line) > 0 {
			return fmt.Errorf("trailer %q was not asked for", line)
		}
		r.state = httpDone
	}
	return nil
}

func (r *httpResponse) head(b []byte) (int, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 && len(b) <= headMax {
		return 0, nil
	}
	if end < 0 || end > headMax {
		return 0, fmt.Errorf("response head too long")
	}
	for i, c := range b[:end] {
		if c == '\n' && (i == 0 || b[i-1] != '\r') {
			return 0, fmt.Errorf("line of the head without a carriage return") // it could end there
		}
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b[:end+4])), nil)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	h := response.Header
	r.status, r.retry = response.StatusCode, h.Get("Retry-After")
	if r.status < 200 {
		if r.status == http.StatusSwitchingProtocols {
			return 0, fmt.Errorf("switches protocols without being asked")
		}
		return end + 4, nil // 100, 103: the response is still to come
	}
	r.keep = !response.Close && response.ProtoAtLeast(1, 1)
	switch coding := h.Get("Content-Encoding"); {
	case coding != "" && !strings.EqualFold(coding, "identity"):
		return 0, fmt.Errorf("content coding %q was not offered", coding)
	case r.status == http.StatusNoContent || r.status == http.StatusNotModified:
		r.state = httpDone
	case len(response.TransferEncoding) > 0: // http knows no other than chunked
		r.state = httpChunkSize
	case response.ContentLength > int64(r.max):
		return 0, fmt.Errorf("body of %d bytes, at most %d are taken", response.ContentLength, r.max)
	case response.ContentLength == 0:
		r.state = httpDone
	case response.ContentLength > 0:
		r.state, r.left = httpLength, int(response.ContentLength)
	default:
		r.state, r.left, r.keep = httpToEnd, 1<<62, false
	}
	return end + 4, nil
}

// ended takes the end of the connection. It reports whether the response is whole.
func (r *httpResponse) ended() bool {
	if r.state == httpToEnd {
		r.state = httpDone
	}
	return r.state == httpDone
}
