package fix

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// LogonCoinbase returns a Config.Logon that signs as Coinbase Exchange demands:
// HMAC-SHA256 over the header in RawData(96). secret is base64, extra is appended
// as it is. (docs.cdp.coinbase.com, FIX 5.0 SP2 order entry.)
func LogonCoinbase(secret, passphrase string, extra ...Static) (func(*Writer, LogonHeader), error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("fix logon secret: %w", err)
	}
	return func(w *Writer, h LogonHeader) {
		w.Data(TagRawDataLength, TagRawData, []byte(SignCoinbase(key, h, passphrase)))
		w.Str(TagUsername, h.SenderCompID)
		w.Str(TagPassword, passphrase)
		for _, f := range extra {
			w.Str(f.Tag, f.Value)
		}
	}, nil
}

// SignCoinbase returns the base64 signature of a Coinbase Logon.
func SignCoinbase(key []byte, h LogonHeader, passphrase string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\x01A\x01%d\x01%s\x01%s\x01%s",
		h.SendingTime, h.MsgSeqNum, h.SenderCompID, h.TargetCompID, passphrase)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// tagNonce is Kraken's nonce field: ms since the epoch, strictly increasing.
const tagNonce = 5025

// LogonKraken returns a Config.Logon that signs as Kraken's trading sessions
// demand: the Password(554) is HMAC-SHA512 over a digest of the header and a
// nonce, the time in ms. secret is base64. (docs.kraken.com, FIX logon.)
func LogonKraken(apiKey, secret string, extra ...Static) (func(*Writer, LogonHeader), error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("fix logon secret: %w", err)
	}
	last := int64(0)
	return func(w *Writer, h LogonHeader) {
		last = max(last+1, h.Now/1_000_000)
		w.Str(TagUsername, apiKey)
		w.Str(TagPassword, SignKraken(key, h, apiKey, last))
		w.Int(tagNonce, last)
		for _, f := range extra {
			w.Str(f.Tag, f.Value)
		}
	}, nil
}

// SignKraken returns the base64 password of a Kraken Logon.
func SignKraken(key []byte, h LogonHeader, apiKey string, nonce int64) string {
	digest := sha256.Sum256(fmt.Appendf(nil, "35=A\x0134=%d\x0149=%s\x0156=%s\x01553=%s\x01%s",
		h.MsgSeqNum, h.SenderCompID, h.TargetCompID, apiKey, strconv.FormatInt(nonce, 10)))
	mac := hmac.New(sha512.New, key)
	mac.Write(digest[:])
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// LogonBinance returns a Config.Logon that signs with Ed25519 as Binance demands,
// in RawData(96). pkcs8 is the private key, DER in base64 (the body of the PEM
// file). (binance-spot-api-docs, fix-api.)
func LogonBinance(apiKey, pkcs8 string, extra ...Static) (func(*Writer, LogonHeader), error) {
	key, err := ParseEd25519(pkcs8)
	if err != nil {
		return nil, err
	}
	return func(w *Writer, h LogonHeader) {
		w.Data(TagRawDataLength, TagRawData, []byte(SignBinance(key, h)))
		w.Str(TagUsername, apiKey)
		for _, f := range extra {
			w.Str(f.Tag, f.Value)
		}
	}, nil
}

// ParseEd25519 reads a PKCS #8 private key, DER in base64.
func ParseEd25519(pkcs8 string) (ed25519.PrivateKey, error) {
	der, err := base64.StdEncoding.DecodeString(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("fix logon key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("fix logon key: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("fix logon key: not an Ed25519 key")
	}
	return key, nil
}

// SignBinance returns the base64 signature of a Binance Logon.
func SignBinance(key ed25519.PrivateKey, h LogonHeader) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, fmt.Appendf(nil,
		"A\x01%s\x01%s\x01%d\x01%s", h.SenderCompID, h.TargetCompID, h.MsgSeqNum, h.SendingTime)))
}
