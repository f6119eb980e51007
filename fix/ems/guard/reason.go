package guard

// Reason says why a frame was dropped or a connection closed by the guard.
type Reason uint8

// Reasons, each with its own count.
const (
	None Reason = iota

	// Before a byte is read.
	NotAllowed      // address outside the allow-list
	TooManyClients  // Limits.Clients
	TooManyFromIP   // Limits.PerIP
	LockedOut       // too many failed passwords from the address
	TLSHandshake    // no TLS session, or no certificate of ours
	FirstFrameLate  // no Logon within Limits.FirstFrame
	RouterUnreached // the library does not take the connection

	// What the library would not survive, or must not see.
	NotLogon   // the first message is not a Logon
	BadInteger // an integer of the session layer is empty, negative or too long
	DataLength // a length field that does not lead to the end of its data
	Duplicate  // a session-level tag twice
	TooGarbled // more garbled frames than Limits.Garbled

	// Logon policy.
	UnknownSession
	ResetRefused // ResetSeqNumFlag(141)=Y
	HeartBtInt   // HeartBtInt(108) absent or out of range
	Credentials  // Username(553) or Password(554)
	SendingTime  // SendingTime(52) absent or too far from our time
	Certificate  // client certificate of another session
	SourceCIDR   // address outside the session's own list
	SecondLogon  // the session has a connection already

	// Frames dropped; the connection stays, unless it has not logged on.
	Garbled
	CheckSum

	SlowReader // the client does not read what it is sent

	CertExpiring // a certificate was reported whose end is near; nothing is closed

	reasons
)

var reasonNames = [reasons]string{
	None: "", NotAllowed: "address not allowed", TooManyClients: "too many connections",
	TooManyFromIP: "too many connections from the address", LockedOut: "locked out",
	TLSHandshake: "TLS handshake", FirstFrameLate: "no logon in time",
	RouterUnreached: "router does not accept", NotLogon: "first message is not a Logon(A)",
	BadInteger: "bad integer in a session field", DataLength: "bad data length",
	Duplicate: "session field given twice", TooGarbled: "too many garbled messages",
	UnknownSession: "unknown CompIDs", ResetRefused: "ResetSeqNumFlag(141)=Y is not allowed",
	HeartBtInt:  "HeartBtInt(108) is not allowed",
	Credentials: "wrong Username(553) or Password(554)",
	SendingTime: "SendingTime(52) is too far from our time",
	Certificate: "certificate belongs to another session",
	SecondLogon: "session has a connection already",
	SourceCIDR:  "address not allowed for the session",
	Garbled:     "garbled message", CheckSum: "wrong CheckSum(10)",
	SlowReader: "client does not read", CertExpiring: "certificate ends soon",
}

func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "reason?"
}

// Reasons returns all reasons, for reports of the counts.
func Reasons() []Reason {
	all := make([]Reason, 0, reasons-1)
	for r := None + 1; r < reasons; r++ {
		all = append(all, r)
	}
	return all
}
