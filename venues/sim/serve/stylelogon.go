package serve

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"penstock/fix"
)

// Key is what a venue knows of its client's API key.
type Key struct {
	Name       string
	Secret     []byte // of coinbase and kraken
	Passphrase string // coinbase
	Public     ed25519.PublicKey
}

var errSignature = errors.New("the signature of the Logon is wrong")

// text returns fields of a Logon.
func text(m *fix.Message, tags ...int) (all []string) {
	for _, tag := range tags {
		v, _ := m.Get(tag)
		all = append(all, string(v))
	}
	return all
}

// checkCoinbase: HMAC-SHA256 over SendingTime, type, number, both CompIDs and passphrase.
func checkCoinbase(m *fix.Message, v *Venue) error {
	f := text(m, 52, 35, 34, 49, 56, 554)
	mac := hmac.New(sha256.New, v.Key.Secret)
	mac.Write([]byte(strings.Join(f, "\x01")))
	return signed(m, v, base64.StdEncoding.EncodeToString(mac.Sum(nil)) == text(m, 96)[0] && f[5] == v.Key.Passphrase)
}

// checkKraken: HMAC-SHA512 over the SHA-256 of the header's fields and the nonce.
func checkKraken(m *fix.Message, v *Venue) error {
	f := text(m, 34, 49, 56, 553, 5025)
	digest := sha256.Sum256([]byte("35=A\x0134=" + f[0] + "\x0149=" + f[1] + "\x0156=" + f[2] + "\x01553=" + f[3] + "\x01" + f[4]))
	mac := hmac.New(sha512.New, v.Key.Secret)
	mac.Write(digest[:])
	return signed(m, v, base64.StdEncoding.EncodeToString(mac.Sum(nil)) == text(m, 554)[0] && len(f[4]) == 13)
}

// checkBinance: Ed25519 over type, both CompIDs, number and SendingTime.
func checkBinance(m *fix.Message, v *Venue) error {
	sig, err := base64.StdEncoding.DecodeString(text(m, 96)[0])
	if err != nil || len(v.Key.Public) != ed25519.PublicKeySize {
		return errSignature
	}
	payload := strings.Join(text(m, 35, 49, 56, 34, 52), "\x01")
	handling := text(m, 25035)[0]
	return signed(m, v, ed25519.Verify(v.Key.Public, []byte(payload), sig) && (handling == "1" || handling == "2"))
}

func signed(m *fix.Message, v *Venue, ok bool) error {
	if name := text(m, fix.TagUsername)[0]; name != v.Key.Name {
		return fmt.Errorf("unknown API key %q", name)
	}
	if !ok {
		return errSignature
	}
	return nil
}
