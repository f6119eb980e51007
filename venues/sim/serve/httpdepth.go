package serve

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// httpDepth answers /api/v3/depth of Binance.
type httpDepth struct {
	binance  *binance
	listener net.Listener
	server   *http.Server
	faults   []snapshotFault
}

// snapshotFault is what shall be wrong with one answer.
type snapshotFault struct {
	kind SnapshotFault
	old  []byte // SnapshotOld: the answer
}

// SnapshotFault is what can be wrong with an answer to a request for a snapshot.
type SnapshotFault uint8

// Faults of snapshots.
const (
	SnapshotTooMany SnapshotFault = iota // 429 with Retry-After: 1
	SnapshotBroken                       // 500
	SnapshotStall                        // accepted, never answered
	SnapshotCut                          // the connection ends in the body
	SnapshotSlow                         // the body comes over half a second
	SnapshotOld                          // as the book was when the fault was ordered
)

func newHTTPDepth(b *binance) (*httpDepth, error) {
	s := b.server
	l, err := net.Listen("tcp", s.cfg.HTTPAddr)
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	if s.cfg.TLS {
		l = tls.NewListener(l, s.market.identity.server)
	}
	h := &httpDepth{binance: b, listener: l}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/depth", h.answer)
	group := &s.market.group
	h.server = &http.Server{Handler: mux, ReadHeaderTimeout: upgradeTimeout,
		ErrorLog: log.New(io.Discard, "", 0), // clients that hang up are what faults are for
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew: // called by serve, which is in the group
				group.Add(1)
			case http.StateClosed, http.StateHijacked:
				group.Done()
			}
		}}
	return h, nil
}

func (h *httpDepth) serve() {
	m := h.binance.server.market
	m.group.Add(1)
	go func() {
		defer m.group.Done()
		if err := h.server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
			h.listener.Close()
		}
	}()
}

// close ends all connections; Market.mu is held.
func (h *httpDepth) close() error {
	h.server.Close()
	h.listener.Close() // when it was never served
	return nil
}

func (h *httpDepth) answer(w http.ResponseWriter, r *http.Request) {
	limit := 100
	if text := r.FormValue("limit"); text != "" {
		limit, _ = strconv.Atoi(text)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if r.FormValue("symbol") != h.binance.server.cfg.Symbol || limit < 1 || limit > 5000 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"code":-1121,"msg":"Invalid symbol."}`)
		return
	}
	m := h.binance.server.market
	m.mu.Lock()
	body := h.binance.snapshot(limit)
	var fault *snapshotFault
	if len(h.faults) > 0 {
		fault = &h.faults[0]
		h.faults = slices.Clone(h.faults[1:])
	}
	m.mu.Unlock()
	if fault == nil {
		w.Write(body)
		return
	}
	h.spoil(w, r, fault, body)
}

func (h *httpDepth) spoil(w http.ResponseWriter, r *http.Request, fault *snapshotFault, body []byte) {
	gone := func(after time.Duration) bool {
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-r.Context().Done():
		case <-h.binance.server.market.done:
		case <-timer.C:
			return false
		}
		return true
	}
	switch fault.kind {
	case SnapshotTooMany:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"code":-1003,"msg":"Too much request weight used"}`)
	case SnapshotBroken:
		w.WriteHeader(http.StatusInternalServerError)
	case SnapshotStall:
		gone(time.Hour)
	case SnapshotCut:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	case SnapshotSlow:
		const parts = 10
		for part := range slices.Chunk(body, len(body)/parts+1) {
			w.Write(part)
			http.NewResponseController(w).Flush()
			if gone(500 * time.Millisecond / parts) {
				return
			}
		}
	case SnapshotOld:
		w.Write(fault.old)
	}
}
