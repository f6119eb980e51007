package emsclient

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// The client against a real acceptor is tested in fix/ems.

func TestConnectSaysWhatHappened(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	_, err = Connect(ctx, Config{Addr: addr, SenderCompID: "NOBODY", TargetCompID: "NOWHERE"})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), addr) {
		t.Errorf("%v: want the address and that the time is over", err)
	}
	if _, err := Connect(ctx, Config{Addr: "no port"}); err == nil {
		t.Error("connected to an address without port")
	}
}
