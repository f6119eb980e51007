package jsonws

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"penstock/venues/wire"
)

// fetchOne makes one request and waits for its end. The clock is the test's.
func fetchOne(t *testing.T, g *httpGet, target string, clock func() int64) (string, error) {
	t.Helper()
	p, err := wire.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	g.start(clock(), []byte(target))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		body, done, err := g.work(clock())
		if done {
			return string(body), err
		}
		p.Wait(g.pollFDs(nil), 10*time.Millisecond)
	}
	t.Fatal("no end")
	return "", nil
}

func still() int64 { return 1000 * second }

func newGet(t *testing.T, base string) *httpGet {
	t.Helper()
	g, err := newHTTPGet(base, nil, 5*second, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.abort)
	return g
}

// TestHTTPGetReadsARealServer: bodies with a length, in chunks and up to the end,
// over one connection as long as the server keeps it.
func TestHTTPGetReadsARealServer(t *testing.T) {
	requests, peers := make(chan string, 100), map[string]bool{}
	connections := func() int {
		for len(requests) > 0 {
			peers[<-requests] = true
		}
		return len(peers)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.RemoteAddr
		switch r.URL.Path {
		case "/base/chunks":
			for range 50 {
				fmt.Fprint(w, strings.Repeat("x", 1000))
				http.NewResponseController(w).Flush()
			}
		case "/base/close":
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "closed")
		case "/base/empty":
		case "/base/hello":
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprintf(w, "hello %s %s", r.Host, r.URL.RawQuery)
		default:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, "banned")
		}
	}))
	defer server.Close()
	g := newGet(t, server.URL+"/base/")
	host := strings.TrimPrefix(server.URL, "http://")
	for range 2 {
		for target, want := range map[string]string{
			"/hello?a=b": "hello " + host + " a=b", "/chunks": strings.Repeat("x", 50_000), "/empty": "",
		} {
			got, err := fetchOne(t, g, target, still)
			if err != nil || got != want {
				t.Fatalf("%s: %.50q %v", target, got, err)
			}
		}
		_, err := fetchOne(t, g, "/other", still)
		var status *StatusError
		if !errors.As(err, &status) || status.Status != 418 || status.RetryAfter != "7" || status.Body != "banned" {
			t.Fatal(err)
		}
	}
	if n := connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
	server.CloseClientConnections() // an idle connection that ends is replaced
	for range 2 {
		if got, err := fetchOne(t, g, "/close", still); err != nil || got != "closed" {
			t.Fatalf("%q %v", got, err)
		}
	}
	if n := connections(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestHTTPGetSaysWhatIsWrong(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	for want, answer := range map[string]string{
		"at most 1048576":       head + "Content-Length: 1048577\r\n\r\n",
		"more than 1048576":     head + "\r\n" + strings.Repeat("x", 1<<20+1),
		"more than 1048576 ":    head + "Transfer-Encoding: chunked\r\n\r\n100001\r\n" + strings.Repeat("x", 1<<20+1),
		"trailer":               head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
		"must":                  head + "Transfer-Encoding: chunked\r\n\r\n0\n\n",
		"carriage return":       head[:len(head)-2] + "\n\r\n\r\n",
		"chunk size":            head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"longer than its size":  head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
		"between chunks":        head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 2000),
		"unexpected EOF":        head + "Content-Length: 5\r\n\r\nabc",
		"unexpected EOF ":       head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
		"unexpected EOF  ":      "HTTP/1.1 2",
		"head too long":         head + "X: " + strings.Repeat("y", 20_000),
		"head too long ":        head + "X: " + strings.Repeat("y", 20_000) + "\r\n\r\n",
		"malformed":             "SMTP ready\r\n\r\n",
		"coding \"gzip\"":       head + "Content-Encoding: gzip\r\n\r\n",
		"unsupported":           head + "Transfer-Encoding: gzip\r\n\r\n",
		"without being asked":   "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"no answer within the ": head,
	} {
		addr := rawPeer(t, func(c net.Conn) {
			http.ReadRequest(bufio.NewReader(c))
			io.WriteString(c, answer)
			if answer == head {
				io.Copy(io.Discard, c) // half open
			}
		})
		clock, ticks := still, int64(0)
		if answer == head {
			clock = func() int64 { ticks += second; return still() + ticks }
		}
		got, err := fetchOne(t, newGet(t, "http://"+addr), "/x", clock)
		if err == nil || !strings.Contains(err.Error(), strings.TrimRight(want, " ")) || !strings.Contains(err.Error(), "GET "+addr+"/x") {
			t.Errorf("%q: %.40q %v", want, got, err)
		}
	}
	for _, base := range []string{"host", "ftp://host", "http://", "http://h/?q", "http://u@h", "http://h/a b", "http://h\n"} {
		if _, err := newHTTPGet(base, nil, 1, 1); err == nil {
			t.Errorf("%q accepted", base)
		}
	}
	g, err := newHTTPGet("https://host/api/", nil, 1, 1)
	if err != nil || g.addr != "host:443" || g.tls.ServerName != "host" || g.prefix != "/api" {
		t.Errorf("%+v %v", g, err)
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()
	for text, want := range map[string]int64{"": 0, "7": 7 * second, "-1": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * second, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"99999999999": 0, "4000000000": retryMaxNanos} {
		if got := retryNanos(text, now); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// FuzzHTTPResponse compares with net/http: what we take whole, it takes too, with
// the same body, however the bytes are cut.
func FuzzHTTPResponse(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
		"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\n\r\nslow down",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nx",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		read := func(step int) (*httpResponse, error) {
			r := &httpResponse{}
			r.reset(1 << 16)
			var held []byte
			for i := 0; i < len(data); i += step {
				held = append(held, data[i:min(i+step, len(data))]...)
				n, err := r.take(held)
				if err != nil {
					return r, err
				}
				held = held[n:]
			}
			if !r.ended() {
				return r, io.ErrUnexpectedEOF
			}
			return r, nil
		}
		whole, err := read(max(len(data), 1))
		parts, err2 := read(max(1, cut%100))
		if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(whole.body, parts.body) {
			t.Fatalf("%v %q, in parts %v %q", err, whole.body, err2, parts.body)
		}
		if err != nil {
			return
		}
		br := bufio.NewReader(bytes.NewReader(data))
		for {
			want, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatalf("%q: %v", data, err)
			}
			if want.StatusCode < 200 {
				continue
			}
			body, err := io.ReadAll(want.Body)
			if err != nil || !bytes.Equal(body, whole.body) || want.StatusCode != whole.status {
				t.Fatalf("%d %q, want %d %q %v", whole.status, whole.body, want.StatusCode, body, err)
			}
			return
		}
	})
}
