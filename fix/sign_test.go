package fix

import "testing"

// The header that the published vectors share, apart from what each one changes.
var signed = LogonHeader{MsgSeqNum: 1, SendingTime: "20261120-14:30:00.123", Now: sampleTime,
	SenderCompID: "KEY", TargetCompID: "Coinbase"}

func TestCoinbaseLogonEqualsTheSample(t *testing.T) {
	const secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	logon, err := LogonCoinbase(secret, "pass", Static{8013, "S"})
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter("FIXT.1.1")
	w.Begin("A")
	logon(w, signed)
	b, err := w.Finish()
	var m Message
	if err != nil || m.Parse(b) != nil {
		t.Fatal(err)
	}
	for tag, want := range map[int]string{95: "44", 96: "PiIySlg+Y51vGJdJNOS3hiiYcHT6hKeqzNxemwjzanY=",
		553: "KEY", 554: "pass", 8013: "S"} {
		if got, _ := m.Get(tag); string(got) != want {
			t.Errorf("tag %d: got %s, want %s", tag, got, want)
		}
	}
}

func TestKrakenPasswordEqualsTheVector(t *testing.T) {
	h := LogonHeader{MsgSeqNum: 7, SenderCompID: "CLIENT", TargetCompID: "KRAKEN-TRD"}
	const want = "MwX+M7nvuHXxD5aGI/TFpghXxg2iblxXYyz7lRzLCPMA4UJYI3osNrUKWCiI3fDnOLkEQ5WKSK58Mp3nvu1Klw=="
	if got := SignKraken([]byte("secret"), h, "APIKEY", 1724512345678); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKrakenNonceGrowsWithinOneMillisecond(t *testing.T) {
	logon, err := LogonKraken("APIKEY", "c2VjcmV0")
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter("FIX.4.4")
	for _, want := range []string{"1795185000123", "1795185000124"} {
		w.Begin("A")
		logon(w, signed)
		b, _ := w.Finish()
		var m Message
		if err := m.Parse(b); err != nil {
			t.Fatal(err)
		}
		if got, _ := m.Get(tagNonce); string(got) != want {
			t.Errorf("nonce %s, want %s", got, want)
		}
	}
}

func TestBinanceSignatureEqualsTheVector(t *testing.T) {
	key, err := ParseEd25519("MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u")
	if err != nil {
		t.Fatal(err)
	}
	h := LogonHeader{MsgSeqNum: 1, SendingTime: "20240627-11:17:25.223", SenderCompID: "EXAMPLE",
		TargetCompID: "SPOT"}
	const want = "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA=="
	if got := SignBinance(key, h); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	if _, err := LogonCoinbase("not base64!", "p"); err == nil {
		t.Error("Coinbase: accepted")
	}
	if _, err := LogonKraken("k", "%"); err == nil {
		t.Error("Kraken: accepted")
	}
	if _, err := LogonBinance("k", "c2VjcmV0"); err == nil {
		t.Error("Binance: accepted")
	}
}
