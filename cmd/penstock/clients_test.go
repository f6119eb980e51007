package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"penstock/internal/freeport"
)

// TestDamagedStoreOfASessionIsAnAlert flips a bit of a session's store between two runs: the next start says which
// session it was, once somebody listens to alerts.
func TestDamagedStoreOfASessionIsAnAlert(t *testing.T) {
	t.Parallel()
	cfg := unstarted(t)
	again := *cfg
	a, err := assemble(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	stores, err := filepath.Glob(filepath.Join(cfg.at(cfg.file.Router.State), "ems", "*.store"))
	if err != nil || len(stores) != 1 {
		t.Fatalf("stores %v, %v", stores, err)
	}
	kept, err := os.ReadFile(stores[0])
	if err != nil {
		t.Fatal(err)
	}
	kept[len(kept)-1] ^= 4
	if err := os.WriteFile(stores[0], kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err = assemble(&again); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 16)
	a.alarms.listen(func(format string, args ...any) { said <- fmt.Sprintf(format, args...) })
	want := "ems: the store of session " + again.Acceptor.Sessions[0].TargetCompID + " was damaged"
	for found := false; !found; {
		select {
		case line := <-said:
			found = strings.Contains(line, want) && strings.HasPrefix(line, "ALERT ")
		case <-time.After(10 * time.Second):
			t.Fatalf("no alert: %+v", a.alarms.all())
		}
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
}

// TestPortInUseFailsTheStartAtOnce: before the journal is read or written and any venue is asked,
// and the error says where the port is configured.
func TestPortInUseFailsTheStartAtOnce(t *testing.T) {
	cfg := unstarted(t)
	other, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(freeport.TCP(t))))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Acceptor.Listen = other.Addr().String()
	a, err := assemble(cfg)
	if err == nil {
		a.stop()
		t.Fatal("it started on a port in use")
	}
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitRefused || !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.Contains(err.Error(), "ems.listen") || !strings.Contains(err.Error(), cfg.Acceptor.Listen) {
		t.Errorf("error %v", err)
	}
	if runs, err := os.ReadDir(cfg.at(cfg.file.Router.Journal)); len(runs) > 0 || err != nil && !os.IsNotExist(err) {
		t.Errorf("the journal was opened: %v, %v", runs, err)
	}

	// With the port free a start takes it before all else, refuses clients, and gives it back when it
	// fails later.
	other.Close()
	a = &assembly{cfg: cfg, failure: make(chan error, 1)}
	if err := a.openPort(); err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("tcp", cfg.Acceptor.Listen); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("another one has the port: %v, %v", l, err)
	}
	if c, err := net.Dial("tcp", cfg.Acceptor.Listen); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a client before the start is over: %v, %v", c, err)
	}
	a.close()
	if other, err = net.Listen("tcp", cfg.Acceptor.Listen); err != nil {
		t.Fatal(err)
	}
	other.Close()
}

// TestPortOfOutgoingConnectionsIsSaid at a start and by doctor, with the line that repairs it.
func TestPortOfOutgoingConnectionsIsSaid(t *testing.T) {
	outside := freeport.TCP(t)
	for _, tt := range []struct {
		listen string
		warned bool
	}{
		{"127.0.0.1:0", true}, // what the kernel gives is of its range
		{fmt.Sprintf("127.0.0.1:%d", outside), false},
	} {
		cfg := &Config{}
		cfg.Acceptor.Listen = tt.listen
		a, said := &assembly{cfg: cfg}, ""
		if err := a.openPort(); err != nil {
			t.Fatal(err)
		}
		a.sayPort(func(format string, args ...any) { said += fmt.Sprintf(format, args...) })
		port := strconv.Itoa(a.port.Number())
		a.port.Close()
		if strings.Contains(said, "sysctl -w net.ipv4.ip_local_reserved_ports=") != tt.warned || tt.warned && !strings.Contains(said, port) {
			t.Errorf("listen %s, port %s: said %q", tt.listen, port, said)
		}
		path := filepath.Join(t.TempDir(), "penstock.toml")
		text := strings.Replace(goodConfig(), `listen = "127.0.0.1:0"`, fmt.Sprintf(`listen = "127.0.0.1:%s"`, port), 1)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := Main([]string{"doctor", "-c", path}, &out, &errs); code > 1 {
			t.Fatal(errs.String())
		}
		_, found, named := strings.Cut(out.String(), "clients' port")
		if !named || strings.Contains(found, "ip_local_reserved_ports") != tt.warned {
			t.Errorf("listen %s, port %s: doctor says %q", tt.listen, port, found)
		}
	}
	var out, errs bytes.Buffer
	if code := Main([]string{"doctor", "-c", filepath.Join(t.TempDir(), "none.toml")}, &out, &errs); code != exitUsage {
		t.Errorf("doctor without the file that it is given: exit code %d", code)
	}
}
