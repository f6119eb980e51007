package ems

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
)

var testSession = quickfix.SessionID{BeginString: "FIX.4.4", SenderCompID: "PENSTOCK",
	TargetCompID: "EMS/../1"}

func createStore(t *testing.T, dir string) *store {
	t.Helper()
	log, err := OpenLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := (&storeFactory{dir: dir, log: log}).Create(testSession)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); log.Close() })
	return s.(*store)
}

func TestStoreSurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	s := createStore(t, dir)
	twin := quickfix.NewMemoryStoreFactory()
	m, _ := twin.Create(testSession)
	for _, each := range []quickfix.MessageStore{s, m} {
		for seq := 1; seq <= 5; seq++ {
			each.SaveMessageAndIncrNextSenderMsgSeqNum(seq, fmt.Appendf(nil, "message %d", seq))
			each.IncrNextTargetMsgSeqNum()
		}
		each.SaveMessage(9, []byte("out of turn"))
		each.SetNextTargetMsgSeqNum(17)
		each.IncrNextSenderMsgSeqNum()
	}
	created := s.CreationTime()
	s.Close()
	s = createStore(t, dir)
	if s.NextSenderMsgSeqNum() != m.NextSenderMsgSeqNum() ||
		s.NextTargetMsgSeqNum() != m.NextTargetMsgSeqNum() {
		t.Errorf("sequences %d %d, want %d %d", s.NextSenderMsgSeqNum(), s.NextTargetMsgSeqNum(),
			m.NextSenderMsgSeqNum(), m.NextTargetMsgSeqNum())
	}
	if !s.CreationTime().Equal(created) {
		t.Errorf("created %v, want %v", s.CreationTime(), created)
	}
	got, err := s.GetMessages(2, 4)
	want, _ := m.GetMessages(2, 4)
	if err != nil || len(got) != 3 || !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
		t.Errorf("messages %q, %v, want %q", got, err, want)
	}
	files, _ := filepath.Glob(dir + "/*")
	info, _ := os.Stat(files[0])
	if len(files) != 1 || info.Mode().Perm() != 0o600 {
		t.Errorf("files %v, mode %v: want one of mode 0600 in the folder", files, info.Mode())
	}
}

func TestStoreCutsATornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := createStore(t, dir)
	for seq := 1; seq <= 3; seq++ {
		s.SaveMessageAndIncrNextSenderMsgSeqNum(seq, []byte("a message of some length"))
	}
	s.Close()
	whole, _ := os.ReadFile(s.path)
	for cut := len(whole) - 1; cut >= 0; cut-- {
		if err := os.WriteFile(s.path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := createStore(t, dir)
		next := s.NextSenderMsgSeqNum()
		if s.cut > 0 && !s.torn {
			t.Errorf("cut at %d of %d: not taken for a torn tail", cut, len(whole))
		}
		if next < 1 || next > 3 || s.NextTargetMsgSeqNum() != 1 {
			t.Fatalf("cut at %d of %d: next %d", cut, len(whole), next)
		}
		// What is written after the cut is found again.
		s.SaveMessageAndIncrNextSenderMsgSeqNum(next, []byte("after"))
		s.Close()
		s = createStore(t, dir)
		if got, err := s.GetMessages(next, next); err != nil || len(got) != 1 ||
			string(got[0]) != "after" {
			t.Fatalf("cut at %d: message %d is %q, %v", cut, next, got, err)
		}
		s.Close()
	}
}

func TestStoreRefusesAForeignFile(t *testing.T) {
	dir := t.TempDir()
	s := createStore(t, dir)
	s.Close()
	os.WriteFile(s.path, []byte("somebody else's file"), 0o600)
	log, _ := OpenLog(t.TempDir())
	defer log.Close()
	if _, err := (&storeFactory{dir: dir, log: log}).Create(testSession); err == nil {
		t.Error("a foreign file was taken for a store")
	}
	if data, _ := os.ReadFile(s.path); string(data) != "somebody else's file" {
		t.Error("the foreign file was changed")
	}
}

func TestStoreReset(t *testing.T) {
	s := createStore(t, t.TempDir())
	s.SaveMessageAndIncrNextSenderMsgSeqNum(1, []byte("gone"))
	s.IncrNextTargetMsgSeqNum()
	s.SetCreationTime(time.Unix(1, 0))
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	got, err := s.GetMessages(1, 10)
	if s.NextSenderMsgSeqNum() != 1 || s.NextTargetMsgSeqNum() != 1 || len(got) != 0 || err != nil ||
		time.Since(s.CreationTime()) > time.Minute {
		t.Errorf("after reset: %d %d %q %v", s.NextSenderMsgSeqNum(), s.NextTargetMsgSeqNum(), got, err)
	}
}

// A resend calls back into quickfix, which may be saving another message.
func TestStoreMayBeWrittenWhileItIsRead(t *testing.T) {
	s := createStore(t, t.TempDir())
	s.SaveMessageAndIncrNextSenderMsgSeqNum(1, []byte("one"))
	err := s.IterateMessages(0, 1000, func([]byte) error {
		return s.SaveMessageAndIncrNextSenderMsgSeqNum(s.NextSenderMsgSeqNum(), []byte("more"))
	})
	if err != nil || s.NextSenderMsgSeqNum() != 3 {
		t.Errorf("next %d, %v, want 3: one message was there", s.NextSenderMsgSeqNum(), err)
	}
}
