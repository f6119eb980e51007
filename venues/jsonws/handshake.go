package jsonws

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// headMax bounds the response to the upgrade request.
const headMax = 16 << 10

// HandshakeError says why a server did not upgrade the connection.
type HandshakeError struct {
	Status     int // HTTP status, 0 when the response could not be read
	Reason     string
	RetryAfter string // the header: seconds or a date, "" when there is none
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("websocket handshake: status %d: %s", e.Status, e.Reason)
}

// newKey returns a fresh Sec-WebSocket-Key.
func newKey() string {
	var nonce [16]byte
	rand.Read(nonce[:])
	return base64.StdEncoding.EncodeToString(nonce[:])
}

// acceptKey is the answer that proves the server read the key, RFC 6455 §4.2.2.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func appendUpgrade(dst []byte, host, path, key string) []byte {
	return fmt.Appendf(dst, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
		path, host, key)
}

// parseUpgrade checks the response at the beginning of b. n is its size, 0 when
// its end has not come yet; frames may follow it at once.
func parseUpgrade(b []byte, key string) (n int, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > headMax {
			return 0, &HandshakeError{Reason: "response head too long"}
		}
		return 0, nil
	}
	n = end + 4
	if n > headMax {
		return 0, &HandshakeError{Reason: "response head too long"}
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b[:n])), nil)
	if err != nil {
		return 0, &HandshakeError{Reason: err.Error()}
	}
	response.Body.Close()
	h := response.Header
	refuse := func(reason string) (int, error) {
		return 0, &HandshakeError{Status: response.StatusCode, Reason: reason, RetryAfter: h.Get("Retry-After")}
	}
	switch {
	case response.StatusCode != http.StatusSwitchingProtocols:
		return refuse("not upgraded")
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return refuse("no Upgrade: websocket")
	case !hasToken(h.Values("Connection"), "upgrade"):
		return refuse("no Connection: Upgrade")
	case h.Get("Sec-Websocket-Accept") != acceptKey(key):
		return refuse("wrong Sec-WebSocket-Accept")
	case h.Get("Sec-Websocket-Extensions") != "":
		return refuse("extension that was not offered")
	case h.Get("Sec-Websocket-Protocol") != "":
		return refuse("subprotocol that was not offered")
	}
	return n, nil
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for _, word := range strings.Split(v, ",") {
			if strings.EqualFold(strings.TrimSpace(word), token) {
				return true
			}
		}
	}
	return false
}
