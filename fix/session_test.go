package fix

import (
	"errors"
	"fmt"
	"testing"
)

// logon is the opening of most scripts: we are the initiator U, the peer is P.
const logon = `
connect
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30
I 35=A|34=1|49=P|52=T|56=U|98=0|108=30
`

// logonIn is the same for an acceptor.
const logonIn = `
connect
I 35=A|34=1|49=P|52=T|56=U|98=0|108=30
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30
`

func TestHeartbeatsFollowTheClock(t *testing.T) {
	runScript(t, Config{}, logon+`
at 29.9
at 30
E 35=0|34=2|49=U|52=T|56=P
I 35=0|34=2|49=P|52=T|56=U
at 59.9
# silence of 1.2 intervals: a test request, which also counts as our heartbeat
at 66
E 35=1|34=3|49=U|52=T|56=P|112=3
at 67
I 35=0|34=3|49=P|52=T|56=U|112=3
# the peer asks
I 35=1|34=4|49=P|52=T|56=U|112=hello
E 35=0|34=4|49=U|52=T|56=P|112=hello
next 5 5
`)
}

func TestSilentPeerIsDropped(t *testing.T) {
	runScript(t, Config{}, logon+`
at 36
E 35=1|34=2|49=U|52=T|56=P|112=2
at 66
E 35=0|34=3|49=U|52=T|56=P
at 71.9
at 72
E 35=5|34=4|49=U|52=T|56=P|58=nothing received for 72 s
close nothing received for 72 s
`)
}

func TestLogonTimesOut(t *testing.T) {
	runScript(t, Config{}, `
connect
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30
at 9.9
at 10
close no Logon in time
disconnect
# the number stays used
connect
E 35=A|34=2|49=U|52=T|56=P|98=0|108=30
`)
}

func TestLogoutIsAShakeOfHands(t *testing.T) {
	runScript(t, Config{}, logon+`
logout end of day
E 35=5|34=2|49=U|52=T|56=P|58=end of day
# reports on their way still count
I 35=8|34=2|49=P|52=T|56=U|55=X
A 8 2
I 35=5|34=3|49=P|52=T|56=U
close end of day
next 3 4
`)
	runScript(t, Config{}, logon+`
I 35=5|34=2|49=P|52=T|56=U|58=maintenance
E 35=5|34=2|49=U|52=T|56=P
close peer logged out: maintenance
`)
	runScript(t, Config{}, logon+`
logout bye
E 35=5|34=2|49=U|52=T|56=P|58=bye
at 2
close bye (Logout not answered)
`)
}

func TestGapIsAskedForAndFilled(t *testing.T) {
	s := runScript(t, Config{}, logon+`
I 35=8|34=4|49=P|52=T|56=U|55=X
E 35=2|34=2|49=U|52=T|56=P|7=2|16=0
# what comes before the answer is dropped: it will be sent again
I 35=8|34=5|49=P|52=T|56=U|55=X
I 35=8|34=2|43=Y|49=P|52=T|56=U|122=T-1|55=X
A 8 2
I 35=4|34=3|43=Y|49=P|52=T|56=U|122=T|123=Y|36=4
I 35=8|34=4|43=Y|49=P|52=T|56=U|122=T-1|55=X
A 8 4
I 35=8|34=5|43=Y|49=P|52=T|56=U|122=T-1|55=X
A 8 5
# a copy of what we have is ignored, the next one is taken
I 35=8|34=5|43=Y|49=P|52=T|56=U|122=T-1|55=X
I 35=8|34=6|49=P|52=T|56=U|55=X
A 8 6
next 3 7
`)
	if st := s.Stats(); s.GapOpen() || st.Gaps != 1 || st.Dropped != 2 || st.Duplicates != 1 {
		t.Errorf("gap open %v, stats %+v", s.GapOpen(), st)
	}
}

func TestGapThatIsNotFilledEndsTheSession(t *testing.T) {
	runScript(t, Config{}, logon+`
I 35=8|34=9|49=P|52=T|56=U|55=X
E 35=2|34=2|49=U|52=T|56=P|7=2|16=0
at 10
E 35=2|34=3|49=U|52=T|56=P|7=2|16=0
at 20
E 35=2|34=4|49=U|52=T|56=P|7=2|16=0
at 30
E 35=5|34=5|49=U|52=T|56=P|58=messages from 2 are missing and were not resent
close messages from 2 are missing and were not resent
`)
}

func TestLongGapIsAskedForInParts(t *testing.T) {
	runScript(t, Config{ResendChunk: 3}, logon+`
I 35=8|34=7|49=P|52=T|56=U|55=X
E 35=2|34=2|49=U|52=T|56=P|7=2|16=4
I 35=4|34=2|43=Y|49=P|52=T|56=U|122=T|123=Y|36=5
E 35=2|34=3|49=U|52=T|56=P|7=5|16=0
I 35=4|34=5|43=Y|49=P|52=T|56=U|122=T|123=Y|36=8
I 35=8|34=8|49=P|52=T|56=U|55=X
A 8 8
`)
}

func TestLogonWithAGapAsksAfterTheAnswer(t *testing.T) {
	runScript(t, Config{Role: Acceptor}, `
connect
I 35=A|34=5|49=P|52=T|56=U|98=0|108=30
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30
E 35=2|34=2|49=U|52=T|56=P|7=1|16=0
I 35=4|34=1|43=Y|49=P|52=T|56=U|122=T|123=Y|36=6
I 35=D|34=6|49=P|52=T|56=U|55=X
A D 6
`)
}

func TestInitiatorFillsGapsInsteadOfRepeatingOrders(t *testing.T) {
	runScript(t, Config{}, logon+`
send D|55=X
E 35=D|34=2|49=U|52=T|56=P|55=X
send D|55=Y
E 35=D|34=3|49=U|52=T|56=P|55=Y
at 1
I 35=2|34=2|49=P|52=T|56=U|7=1|16=0
E 35=4|34=1|43=Y|49=U|52=T|56=P|122=T|123=Y|36=4
I 35=2|34=3|49=P|52=T|56=U|7=2|16=2
E 35=4|34=2|43=Y|49=U|52=T|56=P|122=T|123=Y|36=3
next 4 4
`)
}

func TestAcceptorRepeatsReportsAndFillsTheRest(t *testing.T) {
	runScript(t, Config{Role: Acceptor, LogMessages: 3}, logonIn+`
send 8|55=A
E 35=8|34=2|49=U|52=T|56=P|55=A
send 8|55=B
E 35=8|34=3|49=U|52=T|56=P|55=B
at 30
E 35=0|34=4|49=U|52=T|56=P
I 35=0|34=2|49=P|52=T|56=U
send 8|55=C
E 35=8|34=5|49=U|52=T|56=P|55=C
at 31
# number 2 has left the log of three, 3 and 5 are reports, 4 was a heartbeat
I 35=2|34=3|49=P|52=T|56=U|7=1|16=0
E 35=4|34=1|43=Y|49=U|52=T|56=P|122=T|123=Y|36=3
E 35=8|34=3|43=Y|49=U|52=T|56=P|122=T-31|55=B
E 35=4|34=4|43=Y|49=U|52=T|56=P|122=T|123=Y|36=5
E 35=8|34=5|43=Y|49=U|52=T|56=P|122=T-1|55=C
next 6 4
`)
}

func TestAcceptorKeepsWhatItSaysWhileThePeerIsAway(t *testing.T) {
	runScript(t, Config{Role: Acceptor}, logonIn+`
disconnect
send 8|55=A
next 3 2
at 5
connect
I 35=A|34=2|49=P|52=T|56=U|98=0|108=30
E 35=A|34=3|49=U|52=T|56=P|98=0|108=30
I 35=2|34=3|49=P|52=T|56=U|7=2|16=0
E 35=8|34=2|43=Y|49=U|52=T|56=P|122=T-5|55=A
E 35=4|34=3|43=Y|49=U|52=T|56=P|122=T|123=Y|36=4
`)
}

func TestResendLoopEndsTheSession(t *testing.T) {
	runScript(t, Config{}, logon+`
I 35=2|34=2|49=P|52=T|56=U|7=1|16=0
E 35=4|34=1|43=Y|49=U|52=T|56=P|122=T|123=Y|36=2
I 35=2|34=3|49=P|52=T|56=U|7=1|16=0
E 35=4|34=1|43=Y|49=U|52=T|56=P|122=T|123=Y|36=2
I 35=2|34=4|49=P|52=T|56=U|7=1|16=0
E 35=4|34=1|43=Y|49=U|52=T|56=P|122=T|123=Y|36=2
I 35=2|34=5|49=P|52=T|56=U|7=1|16=0
E 35=5|34=2|49=U|52=T|56=P|58=ResendRequest from 1 for the 4th time
close ResendRequest from 1 for the 4th time
`)
}

func TestTooLowNumberEndsTheSession(t *testing.T) {
	runScript(t, Config{}, logon+`
I 35=0|34=2|49=P|52=T|56=U
I 35=8|34=2|49=P|52=T|56=U|55=X
E 35=5|34=2|49=U|52=T|56=P|58=MsgSeqNum(34) too low, expecting 3 but received 2
close MsgSeqNum(34) too low, expecting 3 but received 2
`)
	runScript(t, Config{}, `
connect
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30
I 35=5|34=1|49=P|52=T|56=U|58=MsgSeqNum too low
close peer refused the Logon: MsgSeqNum too low
`)
}

func TestDuplicateNeedsItsOriginalTime(t *testing.T) {
	runScript(t, Config{}, logon+`
I 35=8|34=1|43=Y|49=P|52=T|56=U|55=X
E 35=3|34=2|49=U|52=T|56=P|45=1|371=122|372=8|373=1|58=required tag missing
I 35=8|34=1|43=Y|49=P|52=T|56=U|122=T10|55=X
E 35=3|34=3|49=U|52=T|56=P|45=1|372=8|373=10|58=SendingTime accuracy problem
E 35=5|34=4|49=U|52=T|56=P|58=OrigSendingTime(122) is after SendingTime(52)
close OrigSendingTime(122) is after SendingTime(52)
`)
}

func TestSequenceResetMovesForwardOnly(t *testing.T) {
	s := runScript(t, Config{}, logon+`
I 35=4|34=99|49=P|52=T|56=U|36=10
next 2 10
I 35=4|34=1|49=P|52=T|56=U|123=N|36=9
E 35=3|34=2|49=U|52=T|56=P|45=1|371=36|372=4|373=5|58=value is incorrect for this tag
I 35=4|34=10|49=P|52=T|56=U|123=Y|36=10
E 35=3|34=3|49=U|52=T|56=P|45=10|371=36|372=4|373=5|58=value is incorrect for this tag
I 35=4|34=11|49=P|52=T|56=U|123=Y
E 35=3|34=4|49=U|52=T|56=P|45=11|371=36|372=4|373=1|58=required tag missing
next 5 12
`)
	if n := s.Stats().Skipped; n != 8 {
		t.Errorf("skipped %d, want 8", n)
	}
}

func TestResetFlagNeedsPermission(t *testing.T) {
	runScript(t, Config{Role: Acceptor}, `
connect
I 35=A|34=1|49=P|52=T|56=U|98=0|108=30|141=Y
E 35=5|34=1|49=U|52=T|56=P|58=ResetSeqNumFlag(141) is not allowed in this session
close ResetSeqNumFlag(141) is not allowed in this session
`)
	runScript(t, Config{Role: Acceptor, AllowReset: true}, logonIn+`
disconnect
connect
I 35=A|34=1|49=P|52=T|56=U|98=0|108=30|141=Y
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30|141=Y
next 2 2
`)
	runScript(t, Config{ResetOnLogon: true}, `
connect
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30|141=Y
I 35=A|34=1|49=P|52=T|56=U|98=0|108=30|141=Y
send D|55=X
E 35=D|34=2|49=U|52=T|56=P|55=X
disconnect
connect
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30|141=Y
`)
}

func TestWrongCompIDIsRejected(t *testing.T) {
	runScript(t, Config{}, logon+`
I 35=8|34=2|49=EVE|52=T|56=U|55=X
E 35=3|34=2|49=U|52=T|56=P|45=2|372=8|373=9|58=CompID problem
E 35=5|34=3|49=U|52=T|56=P|58=wrong SenderCompID(49) or TargetCompID(56)
close wrong SenderCompID(49) or TargetCompID(56)
`)
	runScript(t, Config{Role: Acceptor}, `
connect
I 35=A|34=1|49=EVE|52=T|56=U|98=0|108=30
close Logon with wrong SenderCompID(49) or TargetCompID(56)
`)
}

func TestSendingTimeMustBeNear(t *testing.T) {
	runScript(t, Config{}, logon+`
I 35=0|34=2|49=P|52=T-120|56=U
I 35=0|34=3|49=P|52=T-120.1|56=U
E 35=3|34=2|49=U|52=T|56=P|45=3|372=0|373=10|58=SendingTime accuracy problem
E 35=5|34=3|49=U|52=T|56=P|58=SendingTime(52) is more than 120 s off
close SendingTime(52) is more than 120 s off
`)
	runScript(t, Config{MaxSkewSecs: -1}, logon+`
I 35=0|34=2|49=P|52=T-9999|56=U
next 2 3
`)
	runScript(t, Config{}, logon+`
I 35=0|34=2|49=P|56=U
E 35=3|34=2|49=U|52=T|56=P|45=2|371=52|372=0|373=1|58=required tag missing
I 35=0|34=3|49=P|52=yesterday|56=U
E 35=3|34=3|49=U|52=T|56=P|45=3|371=52|372=0|373=6|58=incorrect data format for value
next 4 4
`)
}

func TestMalformedMessageIsRejectedAndCounted(t *testing.T) {
	s := runScript(t, Config{}, logon+`
I 35=8|34=2|49=P|52=T|56=U|44=|55=X
E 35=3|34=2|49=U|52=T|56=P|45=2|371=44|372=8|373=4|58=tag specified without a value
# one that only App can judge
I 35=8|34=3|49=P|52=T|56=U|55=BAD
A 8 3
E 35=3|34=3|49=U|52=T|56=P|45=3|371=55|372=8|373=5|58=value is incorrect for this tag
I 35=8|34=4|49=P|52=T|56=U|55=X
A 8 4
I 35=3|34=5|49=P|52=T|56=U|45=2
A 3 5
next 4 6
`)
	if n := s.Stats().Malformed; n != 2 {
		t.Errorf("malformed %d, want 2", n)
	}
}

func TestGarbledBytesAreIgnoredAndShowAsAGap(t *testing.T) {
	s := runScript(t, Config{}, logon+`
G 8=FIX.4.4|9=5|35=8|34=2|10=000|
I 35=8|34=3|49=P|52=T|56=U|55=X
E 35=2|34=2|49=U|52=T|56=P|7=2|16=0
`)
	if n := s.Stats().Garbled; n == 0 {
		t.Error("garbled bytes are not counted")
	}
	runScript(t, Config{Role: Acceptor}, `
connect
G GET / HTTP/1.1
close first message: fix: garbled message at byte 0: BeginString(8) expected
`)
}

func TestFirstMessageMustBeALogon(t *testing.T) {
	runScript(t, Config{Role: Acceptor}, `
connect
I 35=D|34=1|49=P|52=T|56=U|55=X
close first message is not a Logon
`)
	for _, hb := range []string{"0", "-5", "3601", "x"} {
		runScript(t, Config{Role: Acceptor}, `
connect
I 35=A|34=1|49=P|52=T|56=U|98=0|108=`+hb+`
E 35=5|34=1|49=U|52=T|56=P|58=HeartBtInt(108) must be 1 to 3600
close HeartBtInt(108) must be 1 to 3600
`)
	}
	runScript(t, Config{}, logon+`
I 35=A|34=2|49=P|52=T|56=U|98=0|108=30
E 35=5|34=2|49=U|52=T|56=P|58=Logon received while logged on
close Logon received while logged on
`)
}

func TestLogonCanBeRefused(t *testing.T) {
	cfg := Config{Role: Acceptor, CheckLogon: func(m *Message, _ int64) error {
		if p, _ := m.Get(TagPassword); string(p) != "secret" {
			return errors.New("wrong password")
		}
		return nil
	}}
	runScript(t, cfg, `
connect
I 35=A|34=1|49=P|52=T|56=U|98=0|108=30|554=guess
E 35=5|34=1|49=U|52=T|56=P|58=wrong password
close wrong password
`)
}

func TestRefusedMessageStaysUnread(t *testing.T) {
	runScript(t, Config{}, logon+`
refuse
I 35=8|34=2|49=P|52=T|56=U|55=X
I 35=8|34=3|49=P|52=T|56=U|55=X
next 2 2
# time passes, but the peer is not silent
at 35
E 35=0|34=2|49=U|52=T|56=P
take
A 8 2
A 8 3
next 3 4
`)
}

func TestMessagesArriveInPieces(t *testing.T) {
	whole := readable(wrap("FIX.4.4", "35=8|34=2|49=P|52=20261120-14:30:00.123|56=U|55=X"))
	runScript(t, Config{}, logon+"G "+whole[:20]+"\nG "+whole[20:60]+"\nG "+whole[60:]+whole[:3]+"\nA 8 2\nnext 2 3\n")
}

// tested is the opening of an initiator that tests its Logon.
const tested = `
connect
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30
I 35=A|34=%d|49=P|52=T|56=U|98=0|108=30
E 35=1|34=2|49=U|52=T|56=P|112=2
`

func TestLogonIsTested(t *testing.T) {
	const asked = `
E 35=2|34=3|49=U|52=T|56=P|7=1|16=0
`
	for name, tt := range map[string]struct {
		seq    int // of the peer's Logon
		script string
		want   bool
	}{
		"no answer yet":    {seq: 1},
		"another's answer": {seq: 1, script: "I 35=0|34=2|49=P|52=T|56=U|112=1\nI 35=0|34=3|49=P|52=T|56=U\n"},
		"the answer":       {seq: 1, script: "I 35=0|34=2|49=P|52=T|56=U|112=2\n", want: true},
		"the answer, beyond a gap of ours, is not sent again": {seq: 9, script: asked + "I 35=0|34=10|49=P|52=T|56=U|112=2\n", want: true},
		"the peer misses the test as well": {seq: 1, want: true, script: `
I 35=2|34=2|49=P|52=T|56=U|7=1|16=0
E 35=4|34=1|43=Y|49=U|52=T|56=P|122=T|123=Y|36=3
`},
		"the peer asks for a part": {seq: 1, script: `
I 35=2|34=2|49=P|52=T|56=U|7=1|16=1
E 35=4|34=1|43=Y|49=U|52=T|56=P|122=T|123=Y|36=2
`},
		"the peer tests nothing":      {seq: 1, want: true, script: "at 5\n"},
		"the peer may test something": {seq: 1, script: "at 4.9\n"},
	} {
		s := runScript(t, Config{TestLogon: true}, fmt.Sprintf(tested, tt.seq)+tt.script)
		if s.Synchronised() != tt.want || (s.Stats().Untested == 1) != (name == "the peer tests nothing") {
			t.Errorf("%s: synchronised %v, want %v; stats %+v", name, s.Synchronised(), tt.want, s.Stats())
		}
	}
	for name, script := range map[string]string{"as always": logon, "numbers begin anew": `
connect
E 35=A|34=1|49=U|52=T|56=P|98=0|108=30|141=Y
I 35=A|34=1|49=P|52=T|56=U|98=0|108=30|141=Y
`} {
		reset := name != "as always"
		if s := runScript(t, Config{ResetOnLogon: reset, TestLogon: reset}, script); !s.Synchronised() {
			t.Errorf("%s: a session that is not tested is not ready", name)
		}
	}
}
