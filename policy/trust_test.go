package policy

import (
	"crypto/ed25519"
	"encoding/binary"
	"testing"
)

func TestSignatureDecidesTrust(t *testing.T) {
	mine, other := testKey(1), testKey(2)
	trust := LoadOptions{TrustedKeys: []ed25519.PublicKey{mine.Public().(ed25519.PublicKey)}}
	trustOrUnsigned := LoadOptions{TrustedKeys: trust.TrustedKeys, AllowUnsigned: true}
	plain := mustEncode(t, mustBuild(t))
	signedBy := func(key ed25519.PrivateKey) []byte {
		file, err := Encode(mustBuild(t), key)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	forged := signedBy(other)
	forged[len(forged)-1] ^= 1
	for _, tc := range []struct {
		name    string
		file    []byte
		opt     LoadOptions
		kind    error
		trusted bool
	}{
		{"mine", signedBy(mine), trust, nil, true},
		{"mine, unsigned allowed", signedBy(mine), trustOrUnsigned, nil, true},
		{"other", signedBy(other), trust, ErrUnsigned, false},
		{"other, unsigned allowed", signedBy(other), trustOrUnsigned, nil, false},
		{"none", plain, trust, ErrUnsigned, false},
		{"none, no options", plain, LoadOptions{}, ErrUnsigned, false},
		{"none, unsigned allowed", plain, unsigned, nil, false},
		{"signed, no keys, unsigned allowed", signedBy(mine), unsigned, nil, false},
		{"signed, no options", signedBy(mine), LoadOptions{}, ErrUnsigned, false},
		{"forged, unsigned allowed", forged, unsigned, ErrSignature, false},
	} {
		table, err := Decode(tc.file, valid, tc.opt)
		if tc.kind != nil {
			wantRefusal(t, tc.name, err, tc.kind, tagSIG0)
			continue
		}
		if err != nil || table.Trusted() != tc.trusted {
			t.Errorf("%s: %v, trusted %v", tc.name, err, table != nil && table.Trusted())
		}
	}
	if _, err := Encode(mustBuild(t), mine[:5]); err == nil {
		t.Error("short key accepted")
	}
}

// replaceMeta returns a file with other META text, every checksum right.
func replaceMeta(t *testing.T, text string) []byte {
	file := mustEncode(t, mustBuild(t))
	at, offset, _ := sectionSpan(file, tagMETA)
	file = append(file[:offset:offset], text...)
	binary.LittleEndian.PutUint64(file[at+16:], uint64(len(text)))
	binary.LittleEndian.PutUint64(file[atFileBytes:], uint64(len(file)))
	return reseal(file)
}

func TestMetadataIsReadStrictly(t *testing.T) {
	for _, good := range []string{
		`{"trainer":"a","version":"1"}`,
		" {\"version\" : \"1\", \"trainer\":\"a\" ,\"seeds\":[] , \"days\":[\"x\"]}\n ",
	} {
		table, err := Decode(replaceMeta(t, good), valid, unsigned)
		if err != nil || table.Meta().Trainer != "a" || table.Meta().Version != "1" {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		`{`, `[]`, `null`, `{}`, `"x"`, `{"trainer":"a"}`, `{"trainer":"","version":"1"}`,
		`{"trainer":"a","version":1}`, `{"trainer":"a","version":null}`,
		`{"trainer":"a","version":"1","version":"1"}`,
		`{"trainer":"a","version":"1","verslon":"1"}`,
		`{"trainer":"a","version":"1","Trainer":"b"}`,
		`{"trainer":"a","version":"1"} {}`, `{"trainer":"a","version":"1"}x`,
		`{"trainer":"a","version":"1",}`, `{"trainer":"a" "version":"1"}`,
		`{"trainer":"a","version":"1","seeds":[1.5]}`,
		`{"trainer":"a","version":"1","seeds":[1e3]}`,
		`{"trainer":"a","version":"1","seeds":[9223372036854775808]}`,
		`{"trainer":"a","version":"1","seeds":["1"]}`, `{"trainer":"a","version":"1","days":"x"}`,
		`{"trainer":"a","version":"1","days":[["x"]]}`, `{"trainer":"a","version":"1","rules":{}}`,
		"{\"trainer\":\"\xff\",\"version\":\"1\"}", `{"trainer":"a","version":"1"`,
		`{"trainer":"a","version":"1","rules":["x"`,
	} {
		_, err := Decode(replaceMeta(t, bad), valid, unsigned)
		wantRefusal(t, bad, err, ErrMeta, tagMETA)
	}
	_, err := Decode(replaceMeta(t, ""), valid, unsigned)
	wantRefusal(t, "empty", err, ErrDirectory, tagMETA)
}

func TestGateReportMustHavePassed(t *testing.T) {
	for report, ok := range map[string]bool{
		`{"pass":true}`: true, `{"G1":{"pass":false},"pass":true,"n":[1,{"a":null}]}`: true,
		`{"pass":false}`: false, `{}`: false, `{"pass":1}`: false, `{"pass":"true"}`: false,
		`{"pass":true,"pass":true}`: false, `{"G1":{"pass":true}}`: false, `{"pass":true}}`: false,
		`{"pass":true,"G1":}`: false, `[true]`: false,
	} {
		_, err := Decode(mustEncode(t, withReport(t, report)), valid, unsigned)
		if ok && err != nil {
			t.Errorf("%s: %v", report, err)
		}
		if !ok {
			wantRefusal(t, report, err, ErrGate, tagGATE)
		}
	}
	table := withReport(t, `{"pass":true}`)
	table.header.GateReport[0] ^= 1
	_, err := Decode(mustEncode(t, table), valid, unsigned)
	wantRefusal(t, "another report", err, ErrGate, tagGATE)
	table.extra = nil
	_, err = Decode(mustEncode(t, table), valid, unsigned)
	wantRefusal(t, "missing report", err, ErrGate, "header")
}
