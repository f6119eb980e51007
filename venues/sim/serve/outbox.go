package serve

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// outboxLimit is how many bytes may wait for a peer that does not read; a peer
// with more is disconnected, as venues do with slow consumers.
const outboxLimit = 4 << 20

// closeTimeout bounds how long the last bytes of a closing connection may take.
const closeTimeout = 2 * time.Second

// outbox sends to one connection from a goroutine of its own, so that nobody
// waits for a slow peer. Safe for concurrent use.
type outbox struct {
	conn net.Conn
	raw  net.Conn // below conn when that is TLS

	mu     sync.Mutex
	ready  sync.Cond
	buf    []byte
	paused bool
	ending bool // close once buf is sent
	dead   bool
	rate   int // bytes a second; 0 for any number
}

func newOutbox(conn net.Conn) *outbox {
	o := &outbox{conn: conn, raw: conn}
	if t, ok := conn.(*tls.Conn); ok {
		o.raw = t.NetConn()
	}
	o.ready.L = &o.mu
	return o
}

// write queues p; a dead or overfull outbox drops the connection instead.
func (o *outbox) write(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead || o.ending {
		return
	}
	if len(o.buf)+len(p) > outboxLimit {
		o.die()
		return
	}
	o.buf = append(o.buf, p...)
	o.ready.Signal()
}

// run sends until the connection is closed.
func (o *outbox) run() {
	var spare []byte
	for {
		p, ok := o.wait(spare)
		if !ok {
			o.conn.Close()
			return
		}
		if err := o.send(p); err != nil {
			o.drop()
			return
		}
		spare = p[:0]
	}
}

// send writes p, slowly when the outbox trickles.
func (o *outbox) send(p []byte) error {
	for len(p) > 0 {
		o.mu.Lock()
		rate := o.rate
		o.mu.Unlock()
		n := len(p)
		if rate > 0 {
			n = min(n, max(rate/100, 1))
			time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
		}
		if _, err := o.conn.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// trickle bounds the bytes a second; 0 ends that.
func (o *outbox) trickle(rate int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rate = rate
}

// wait returns the bytes to send next and takes spare as the new buffer.
func (o *outbox) wait(spare []byte) (p []byte, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.dead && !o.ending && (o.paused || len(o.buf) == 0) {
		o.ready.Wait()
	}
	if o.dead || len(o.buf) == 0 {
		return nil, false
	}
	p, o.buf = o.buf, spare
	return p, true
}

// pause holds all writes until it is called with false.
func (o *outbox) pause(paused bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.paused = paused
	o.ready.Signal()
}

// finish closes the connection once everything queued is sent.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ending = true
	o.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	o.ready.Signal()
}

// drop closes the connection now.
func (o *outbox) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.die()
}

func (o *outbox) die() {
	o.dead = true
	o.buf = nil
	o.raw.Close() // TLS would say goodbye, and wait for a peer that does not read
	o.ready.Signal()
}
