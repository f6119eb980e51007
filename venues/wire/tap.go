package wire

// Kinds of what a feed gives its Tap. Numbers are part of the recorder's format.
const (
	TapReceived uint8 = 0 // a WebSocket message, a FIX message
	TapHTTP     uint8 = 1 // an HTTP answer: its request target, a line feed, the body
	TapOpened   uint8 = 2 // a connection was opened: its address
	TapClosed   uint8 = 3 // a connection was closed: why
	TapSnapshot uint8 = 4 // a message of a snapshot that came beside the stream
	// TapLine plus the number of a line is a datagram: line 0, 1, …; TapAnswer is one
	// from the re-request server.
	TapLine   uint8 = 16
	TapAnswer uint8 = 31
)
