package fixgw

import (
	"errors"
	"fmt"
	"strings"

	"penstock/fix"
)

// Account is what a venue wants to know of who trades; it stands in every order.
// Empty text leaves a field out.
type Account struct {
	Account     string // Account(1)
	Capacity    string // agency A, principal P or what the venue calls it
	SelfTrade   string // what happens when we meet ourselves, as the venue codes it
	SenderSubID string // SenderSubID(50), as the venue assigned it
	TargetSubID string // TargetSubID(57)
}

// fields returns the constant fields of orders.
func (d *Dialect) account(a *Account) (fields []fix.Static, err error) {
	for _, f := range []struct {
		name, value string
		tag         int
	}{
		{"account", a.Account, fix.TagAccount},
		{"capacity", a.Capacity, d.CapacityTag},
		{"self-trade prevention", a.SelfTrade, d.SelfTradeTag},
	} {
		switch {
		case f.value == "":
		case f.tag == 0:
			return nil, fmt.Errorf("dialect %s has no %s: leave it out", d.Name, f.name)
		default:
			fields = append(fields, fix.Static{Tag: f.tag, Value: f.value})
		}
	}
	if d.CapacityTag != 0 && a.Capacity == "" {
		return nil, fmt.Errorf("dialect %s needs a capacity: A for agency, P for principal", d.Name)
	}
	return fields, nil
}

// header returns the constant fields of every header.
func (d *Dialect) header(a *Account) ([]fix.Static, error) {
	switch given := a.SenderSubID != "" || a.TargetSubID != ""; {
	case d.SubIDs && (a.SenderSubID == "" || a.TargetSubID == ""):
		return nil, fmt.Errorf("dialect %s needs SenderSubID and TargetSubID, as the venue assigned them", d.Name)
	case !d.SubIDs && given:
		return nil, fmt.Errorf("dialect %s has no SenderSubID and TargetSubID: leave them out", d.Name)
	case !given:
		return nil, nil
	}
	return []fix.Static{{Tag: fix.TagSenderSubID, Value: a.SenderSubID},
		{Tag: fix.TagTargetSubID, Value: a.TargetSubID}}, nil
}

// Signature is how a venue has a Logon signed.
type Signature uint8

// Signatures.
const (
	SignNone     Signature = iota
	SignCoinbase           // HMAC-SHA256, with a passphrase
	SignKraken             // HMAC-SHA512 and a nonce
	SignBinance            // Ed25519
)

// Credentials are what a Logon is signed with. They print as nothing.
type Credentials struct {
	APIKey             string
	Secret, Passphrase Secret
}

// Secret is text that does not show in logs.
type Secret string

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "(secret)" }

// Logon returns what adds signature and constant fields to a Logon, nil when the
// dialect has neither.
func (d *Dialect) Logon(c Credentials) (func(*fix.Writer, fix.LogonHeader), error) {
	switch {
	case d.Signature == SignNone && (c.APIKey != "" || c.Secret != ""):
		return nil, fmt.Errorf("dialect %s has no signed Logon: leave key and secret out", d.Name)
	case d.Signature != SignNone && (c.APIKey == "" || c.Secret == ""):
		return nil, fmt.Errorf("dialect %s needs an API key and a secret, to sign the Logon", d.Name)
	case d.Signature == SignCoinbase && c.Passphrase == "":
		return nil, errors.New("coinbase needs the passphrase of the key: the second line of the secret")
	}
	switch d.Signature {
	case SignCoinbase:
		return fix.LogonCoinbase(string(c.Secret), string(c.Passphrase), d.LogonFields...)
	case SignKraken:
		return fix.LogonKraken(c.APIKey, string(c.Secret), d.LogonFields...)
	case SignBinance:
		return fix.LogonBinance(c.APIKey, pemBody(string(c.Secret)), d.LogonFields...)
	}
	return nil, nil
}

// pemBody takes the lines that begin and end a PEM file off.
func pemBody(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			b.WriteString(line)
		}
	}
	return b.String()
}
