package fixgw

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/quickfixgo/quickfix"

	"penstock/event"
	"penstock/fix"
	"penstock/market"
)

// goldenTime is 20261120-14:30:00.123 UTC.
const goldenTime = 1_795_185_000_123_000_000

// credentials of the published vectors, so that signatures can be checked by hand.
var testCredentials = map[string]Credentials{
	"coinbase": {APIKey: "KEY", Secret: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", Passphrase: "pass"},
	"kraken":   {APIKey: "APIKEY", Secret: "c2VjcmV0"},
	"binance": {APIKey: "APIKEY", Secret: "-----BEGIN PRIVATE KEY-----\n" +
		"MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u\n-----END PRIVATE KEY-----"},
}

var testAccounts = map[string]Account{
	"coinbase": {SelfTrade: "N"},
	"binance":  {SelfTrade: "2"},
	"kraken":   {SelfTrade: "1"},
	"matchnow": {Capacity: "A"},
	"cboe":     {Account: "ACC1", Capacity: "P", SelfTrade: "N", SenderSubID: "0001", TargetSubID: "TEST"},
	"nasdaq":   {Account: "ACC1", Capacity: "P"},
	"iex":      {Account: "ACC1", Capacity: "P"},
}

var testCompIDs = map[string][2]string{
	"coinbase": {"KEY", "Coinbase"}, "binance": {"EXAMPLE", "SPOT"}, "kraken": {"CLIENT", "KRAKEN-TRD"},
}

func dialectConfig(t testing.TB, name string) Config {
	t.Helper()
	d, ok := DialectByName(name)
	if !ok {
		t.Fatalf("no dialect %s", name)
	}
	ids, ok := testCompIDs[name]
	if !ok {
		ids = [2]string{"SOR", "VENUE"}
	}
	logon, err := d.Logon(testCredentials[name])
	if err != nil {
		t.Fatal(err)
	}
	return Config{Addr: "127.0.0.1:1", SenderCompID: ids[0], TargetCompID: ids[1], HeartBtIntSecs: 30, Dialect: d,
		Account: testAccounts[name], Logon: logon, Venue: 2, Sink: func(*event.Event) bool { return true },
		Symbols: []Symbol{{ID: 3, Text: "ACME", PriceDecimals: 4}}}
}

// golden holds what each dialect says, from 35= to before 10=: a Logon, an
// immediate limit order, a post-only order, a midpoint peg, an order that fills or
// kills, and a cancel. "-" is what it has no words for.
var golden = map[string][6]string{
	"coinbase": {
		"35=A|34=1|49=KEY|52=20261120-14:30:00.123|56=Coinbase|98=0|108=30|141=Y|1137=9|95=44|" +
			"96=PiIySlg+Y51vGJdJNOS3hiiYcHT6hKeqzNxemwjzanY=|553=KEY|554=pass|8013=S",
		"35=D|34=2|49=KEY|52=20261120-14:30:00.123|56=Coinbase|11=26112014-3000-4000-8001-000000000000|" +
			"40=2|54=1|55=ACME|59=3|7928=N|38=300|44=100.25",
		"35=D|34=3|49=KEY|52=20261120-14:30:00.123|56=Coinbase|11=26112014-3000-4000-8002-000000000000|" +
			"18=A|40=2|54=1|55=ACME|59=1|7928=N|38=300|44=100.25",
		"-",
		"35=D|34=4|49=KEY|52=20261120-14:30:00.123|56=Coinbase|11=26112014-3000-4000-8004-000000000000|" +
			"40=2|54=1|55=ACME|59=4|7928=N|38=300|44=100.25",
		"35=F|34=5|49=KEY|52=20261120-14:30:00.123|56=Coinbase|11=26112014-3000-4000-8005-000000000000|" +
			"41=26112014-3000-4000-8002-000000000000|55=ACME",
	},
	"binance": {
		"35=A|34=1|49=EXAMPLE|52=20261120-14:30:00.123|56=SPOT|98=0|108=30|141=Y|95=88|96=(signature)|" +
			"553=APIKEY|25035=1",
		"35=D|34=2|49=EXAMPLE|52=20261120-14:30:00.123|56=SPOT|11=261120143000000001|40=2|54=1|55=ACME|59=3|" +
			"25001=2|38=300|44=100.25",
		"35=D|34=3|49=EXAMPLE|52=20261120-14:30:00.123|56=SPOT|11=261120143000000002|18=6|40=2|54=1|55=ACME|" +
			"59=1|25001=2|38=300|44=100.25",
		"-",
		"35=D|34=4|49=EXAMPLE|52=20261120-14:30:00.123|56=SPOT|11=261120143000000004|40=2|54=1|55=ACME|59=4|" +
			"25001=2|38=300|44=100.25",
		"35=F|34=5|49=EXAMPLE|52=20261120-14:30:00.123|56=SPOT|11=261120143000000005|41=261120143000000002|55=ACME",
	},
	"kraken": {
		"35=A|34=1|49=CLIENT|52=20261120-14:30:00.123|56=KRAKEN-TRD|98=0|108=30|553=APIKEY|554=(signature)|" +
			"5025=1795185000123|8674=0",
		"35=D|34=3|49=CLIENT|52=20261120-14:30:00.123|56=KRAKEN-TRD|11=261120143000000001|40=2|54=1|55=ACME|" +
			"59=3|7928=1|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=D|34=4|49=CLIENT|52=20261120-14:30:00.123|56=KRAKEN-TRD|11=261120143000000002|18=P|40=2|54=1|" +
			"55=ACME|59=1|7928=1|60=20261120-14:30:00.123|38=300|44=100.25",
		"-",
		"35=D|34=5|49=CLIENT|52=20261120-14:30:00.123|56=KRAKEN-TRD|11=261120143000000004|40=2|54=1|55=ACME|" +
			"59=4|7928=1|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=F|34=6|49=CLIENT|52=20261120-14:30:00.123|56=KRAKEN-TRD|11=261120143000000005|" +
			"41=261120143000000002|55=ACME|60=20261120-14:30:00.123",
	},
	"cboe": {
		"35=A|34=1|49=SOR|52=20261120-14:30:00.123|56=VENUE|50=0001|57=TEST|98=0|108=30",
		"35=D|34=3|49=SOR|52=20261120-14:30:00.123|56=VENUE|50=0001|57=TEST|11=261120143000000001|21=1|9303=B|" +
			"40=2|54=1|55=ACME|59=3|1=ACC1|47=P|7928=N|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=D|34=4|49=SOR|52=20261120-14:30:00.123|56=VENUE|50=0001|57=TEST|11=261120143000000002|21=1|9303=P|" +
			"40=2|54=1|55=ACME|59=0|1=ACC1|47=P|7928=N|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=D|34=5|49=SOR|52=20261120-14:30:00.123|56=VENUE|50=0001|57=TEST|11=261120143000000003|21=1|18=M|" +
			"9303=B|40=P|54=1|55=ACME|59=0|1=ACC1|47=P|7928=N|60=20261120-14:30:00.123|38=300|44=100.25",
		"-",
		"35=F|34=6|49=SOR|52=20261120-14:30:00.123|56=VENUE|50=0001|57=TEST|11=261120143000000005|" +
			"41=261120143000000002|54=1|55=ACME|60=20261120-14:30:00.123|38=300",
	},
	"nasdaq": {
		"35=A|34=1|49=SOR|52=20261120-14:30:00.123|56=VENUE|98=0|108=30",
		"35=D|34=3|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000001|21=1|9140=Y|40=2|54=1|" +
			"55=ACME|59=3|1=ACC1|47=P|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=D|34=4|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000002|21=1|9140=P|40=2|54=1|" +
			"55=ACME|59=0|1=ACC1|47=P|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=D|34=5|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000003|21=1|18=M|9140=N|40=P|54=1|" +
			"55=ACME|59=0|1=ACC1|47=P|60=20261120-14:30:00.123|38=300|44=100.25",
		"-",
		"35=F|34=6|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000005|41=261120143000000002|54=1|" +
			"55=ACME|60=20261120-14:30:00.123|38=300",
	},
	"iex": {
		"35=A|34=1|49=SOR|52=20261120-14:30:00.123|56=VENUE|98=0|108=30",
		"35=D|34=3|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000001|21=1|18=i|40=2|54=1|55=ACME|" +
			"59=3|1=ACC1|47=P|60=20261120-14:30:00.123|38=300|44=100.25",
		"-",
		"35=D|34=4|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000003|21=1|18=M|40=P|54=1|55=ACME|" +
			"59=0|1=ACC1|47=P|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=D|34=5|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000004|21=1|18=i|40=2|54=1|55=ACME|" +
			"59=4|1=ACC1|47=P|60=20261120-14:30:00.123|38=300|44=100.25",
		"35=F|34=6|49=SOR|52=20261120-14:30:00.123|56=VENUE|11=261120143000000005|41=261120143000000002|54=1|" +
			"55=ACME|60=20261120-14:30:00.123|38=300",
	},
}

// activate logs the session of a gateway on without a socket and returns its Logon.
func activate(t testing.TB, g *Gateway) (logon []byte) {
	t.Helper()
	d := &g.cfg.Dialect
	g.session.Connected(goldenTime)
	logon = append(logon, g.session.Out()...)
	g.session.Wrote(len(logon))
	w := fix.NewWriter(d.BeginString)
	w.Begin("A")
	w.Uint(fix.TagMsgSeqNum, 1)
	w.Str(fix.TagSenderCompID, g.cfg.TargetCompID)
	w.Time(fix.TagSendingTime, goldenTime)
	w.Str(fix.TagTargetCompID, g.cfg.SenderCompID)
	w.Int(fix.TagHeartBtInt, 30)
	if d.ResetOnLogon {
		w.Char(fix.TagResetSeqNumFlag, 'Y')
	}
	answer, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	g.session.Receive(goldenTime, answer)
	if g.session.State() != fix.Active {
		reason, _ := g.session.WantClose()
		t.Fatalf("%s: not logged on: %s", d.Name, reason)
	}
	g.session.Wrote(len(g.session.Out())) // what tests the Logon
	return logon
}

func TestEveryDialectWritesItsGoldenMessages(t *testing.T) {
	orders := [4]style{
		{market.OrdLimit, market.TIFIOC, market.ExecInstNone},
		{market.OrdLimit, market.TIFDay, market.ExecInstPostOnly},
		{market.OrdPegged, market.TIFDay, market.ExecInstMidPeg},
		{market.OrdLimit, market.TIFFOK, market.ExecInstNone},
	}
	for name, want := range golden {
		g, err := New(dialectConfig(t, name))
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		check(t, name, g, 0, activate(t, g), want[0])
		for i := range 5 {
			c := takeOrder()
			c.Child = child + uint64(i)
			if i < len(orders) {
				c.OrdType, c.TIF, c.ExecInst = orders[i].ordType, orders[i].tif, orders[i].execInst
			} else {
				c.Kind, c.Child, c.Ref = event.SendCancel, child+1, child+4
			}
			tmpl := g.template(c)
			if (tmpl == nil) != (want[i+1] == "-") {
				t.Errorf("%s: message %d: has a template: %v, want %q", name, i+1, tmpl != nil, want[i+1])
			}
			if tmpl == nil {
				continue
			}
			v := g.values(c)
			if err := g.session.SendTemplate(tmpl, goldenTime, &v); err != nil {
				t.Fatal(err)
			}
			check(t, name, g, i+1, g.session.Out(), want[i+1])
			g.session.Wrote(len(g.session.Out()))
		}
	}
}

// check compares a message with what is wanted, and has another FIX library read it.
func check(t *testing.T, name string, g *Gateway, i int, message []byte, want string) {
	t.Helper()
	text := strings.ReplaceAll(string(message), "\x01", "|")
	body := text[strings.Index(text, "|35=")+1 : strings.LastIndex(text, "|10=")]
	if c := testCredentials[name]; i == 0 && name != "coinbase" && c.APIKey != "" {
		tag := map[string]int{"binance": fix.TagRawData, "kraken": fix.TagPassword}[name]
		var m fix.Message
		if err := m.Parse(message); err != nil {
			t.Fatal(err)
		}
		got, _ := m.Get(tag)
		body = strings.Replace(body, fmt.Sprintf("%d=%s", tag, got), fmt.Sprintf("%d=(signature)", tag), 1)
	}
	if body != want {
		t.Errorf("%s message %d\ngot  %s\nwant %s", name, i, body, want)
	}
	if n, err := fix.Frame(message); n != len(message) || err != nil {
		t.Errorf("%s message %d: frame of %d bytes, %v, in %d", name, i, n, err, len(message))
	}
	if !strings.HasPrefix(text, "8="+g.cfg.Dialect.BeginString+"|9=") {
		t.Errorf("%s message %d begins %q", name, i, text[:20])
	}
	if err := quickfix.ParseMessage(quickfix.NewMessage(), bytes.NewBuffer(message)); err != nil {
		t.Errorf("%s message %d: quickfix: %v", name, i, err)
	}
}

func TestAccountFieldsThatADialectHasNotAreRefused(t *testing.T) {
	for _, c := range []struct {
		dialect string
		account Account
		want    string
	}{
		{"cboe", Account{Capacity: "P"}, "needs SenderSubID"},
		{"cboe", Account{SenderSubID: "1", TargetSubID: "T"}, "needs a capacity"},
		{"nasdaq", Account{Capacity: "P", SelfTrade: "N"}, "no self-trade prevention"},
		{"coinbase", Account{Capacity: "P"}, "no capacity"},
		{"iex", Account{Capacity: "P", SenderSubID: "1"}, "no SenderSubID"},
	} {
		cfg := dialectConfig(t, c.dialect)
		cfg.Account = c.account
		if g, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: got %v, want an error about %q", c.dialect, c.account, err, c.want)
			if err == nil {
				g.Close()
			}
		}
	}
	cfg := dialectConfig(t, "kraken")
	cfg.Addr = "192.0.2.1:4001"
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "TLS only") {
		t.Errorf("kraken without TLS: got %v", err)
	}
	cfg = dialectConfig(t, "kraken")
	cfg.Dialect.IDLimit = 14
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "longer than the 14") {
		t.Errorf("ids of 14 characters: got %v", err)
	}
}

func TestCredentialsAreCompleteAndNeverPrinted(t *testing.T) {
	for name, c := range map[string]Credentials{
		"kraken": {}, "binance": {APIKey: "K"}, "coinbase": {APIKey: "K", Secret: "c2VjcmV0"},
		"iex": {APIKey: "K", Secret: "c2VjcmV0"},
	} {
		d, _ := DialectByName(name)
		if _, err := d.Logon(c); err == nil {
			t.Errorf("%s: %+v accepted", name, c)
		}
	}
	c := Credentials{APIKey: "K", Secret: "hunter2!", Passphrase: "swordfish!"}
	d, _ := DialectByName("coinbase")
	_, err := d.Logon(c) // the secret is no base64
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s %q", c, c, c.Secret, c.Secret), err.Error()} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "swordfish") {
			t.Errorf("a secret shows in %q", text)
		}
	}
}

func TestSecretFilesMustBePrivate(t *testing.T) {
	path := t.TempDir() + "/secret"
	write := func(text string, mode os.FileMode) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("one\r\ntwo\n", 0o600)
	if text, err := fix.ReadSecret(path); text != "one\ntwo" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o602} {
		write("hunter2", mode)
		if _, err := fix.ReadSecret(path); err == nil || strings.Contains(err.Error(), "hunter2") ||
			!strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %#o: got %v", mode, err)
		}
	}
	write("\n", 0o600)
	if _, err := fix.ReadSecret(path); err == nil {
		t.Error("an empty file was accepted")
	}
	if _, err := fix.ReadSecret(t.TempDir()); err == nil {
		t.Error("a folder was accepted")
	}
}
