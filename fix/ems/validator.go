package ems

import (
	"fmt"
	"net"
	"sync/atomic"

	"github.com/quickfixgo/quickfix"

	"penstock/fix/ems/guard"
)

// validator lets only the guard's connections into quickfix, each to the session
// that the guard has admitted on it: quickfix listens on loopback, where anybody
// on this machine could knock.
type validator struct{ guard *atomic.Pointer[guard.Guard] }

// Validate is called before the connection meets the session.
func (v validator) Validate(conn net.Conn, id quickfix.SessionID) error {
	g := v.guard.Load()
	if g == nil {
		return fmt.Errorf("connection from %s: not open yet", conn.RemoteAddr())
	}
	owner := g.Owner(conn.RemoteAddr())
	if owner == nil {
		return fmt.Errorf("connection from %s did not come through the guard", conn.RemoteAddr())
	}
	if admitted := (&Session{Session: *owner}).id(); admitted != id {
		return fmt.Errorf("connection was admitted for %s", admitted)
	}
	return nil
}
