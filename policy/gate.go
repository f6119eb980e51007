package policy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// checkGate checks the export gate's report. A trained table carries it, and it
// must be the one the header names and say "pass": true. A table that names no
// report and has none was not trained.
func checkGate(e entry, h *Header) error {
	if e.data == nil {
		if h.GateReport != [32]byte{} {
			return refuse(ErrGate, "header", atGateReport, "the report that it names is missing")
		}
		return nil
	}
	if sha256.Sum256(e.data) != h.GateReport {
		return refuse(ErrGate, tagGATE, e.offset, "not the report that the header names")
	}
	passed := false
	err := walkObject(e, ErrGate, func(key string, s *scanner) error {
		if key != "pass" {
			var skipped json.RawMessage
			return s.Decode(&skipped)
		}
		token, err := s.Token()
		if err != nil {
			return err
		}
		var ok bool
		if passed, ok = token.(bool); !ok {
			return fmt.Errorf("pass is %v, must be true or false", token)
		}
		return nil
	})
	if err == nil && !passed {
		err = refuse(ErrGate, tagGATE, e.offset, "the report does not say \"pass\": true")
	}
	return err
}
