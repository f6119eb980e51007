package jsonws

import (
	"errors"
	"net/http"

	"penstock/venues/wire"
)

// fetch is a feed's way to snapshots over HTTP, one at a time.
type fetch struct {
	decoder snapshotter
	get     *httpGet // nil: somebody else fetches
	of      *book    // whose snapshot is under way, nil for none
	body    []byte   // the answer, when it waits for room
	hold    int64    // nothing is asked for before this time: the server said so
	path    []byte
}

// startFetch asks for the snapshot of b, unless another is under way or the server
// wants to be left alone.
func (f *Feed) startFetch(now int64, b *book) bool {
	t := &f.fetch
	if t.of != nil || now < t.hold {
		return false
	}
	t.path = t.decoder.snapshotPath(t.path[:0], b)
	t.of, t.body = b, nil
	t.get.start(now, t.path)
	f.stats.Fetches++
	return true
}

// fetched moves the request on and gives the answer to the decoder. It returns 0
// when there was nothing to do.
func (f *Feed) fetched(now int64) int {
	t := &f.fetch
	if t.of == nil {
		return 0
	}
	if t.body == nil {
		body, done, err := t.get.work(now)
		if err != nil {
			f.failFetch(now, err)
			return 1
		}
		if !done {
			return 0
		}
		t.body = nonNil(body)
		if f.cfg.Tap != nil {
			answer := append(append(append([]byte(nil), t.path...), '\n'), body...)
			f.cfg.Tap(now, wire.TapHTTP, answer)
		}
	}
	if !f.out.Settle(now) {
		return 0
	}
	b := t.of
	if !b.resync {
		t.of, t.body = nil, nil // another way was quicker
		return 1
	}
	err := t.decoder.takeSnapshot(now, b, t.body)
	if err == ErrNoRoom {
		return 0
	}
	t.of, t.body = nil, nil
	if err != nil {
		f.lastErr = err
		f.stats.FetchErrors++
	}
	b.subscribed = now // the pause before another counts from the answer
	return 1
}

// failFetch plans another attempt: after a pause that grows, or as long as the
// server asks for.
func (f *Feed) failFetch(now int64, err error) {
	t := &f.fetch
	f.lastErr = err
	f.stats.FetchErrors++
	t.of.subscribed = now
	var status *StatusError
	if errors.As(err, &status) {
		switch status.Status {
		case http.StatusTooManyRequests, http.StatusTeapot, http.StatusServiceUnavailable:
			// 418: Binance bans who does not heed 429. All books wait.
			pause := max(retryNanos(status.RetryAfter, now), f.cfg.SnapshotNanos<<t.of.retries)
			t.hold = now + pause
		}
	}
	t.of, t.body = nil, nil
}

// endFetch gives a request up: its answer would be older than the next connection.
func (f *Feed) endFetch() {
	if t := &f.fetch; t.get != nil {
		t.of, t.body = nil, nil
		t.get.abort()
	}
}

func (t *fetch) pollFDs(fds []wire.PollFD) []wire.PollFD {
	if t.get == nil {
		return fds
	}
	return t.get.pollFDs(fds)
}
