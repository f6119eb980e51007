package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"penstock/venues/fixgw"
)

// ordersExample is the documented configuration with keys added to the orders of
// its first venue, which speaks dialect.
func ordersExample(t *testing.T, dialect, keys string) (*Config, error) {
	t.Helper()
	raw, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	const mark = `dialect = "sim"         # sim, coinbase`
	if strings.Count(string(raw), mark) != 1 {
		t.Fatal("the example has changed")
	}
	text := strings.Replace(string(raw), mark, `dialect = "`+dialect+`" #`, 1)
	const end = "target_comp_id = \"LITA\"\nheartbeat = 30\n"
	text = strings.Replace(text, end, end+keys+"\n", 1)
	return ParseConfig(filepath.Join(t.TempDir(), "penstock.toml"), []byte(text))
}

func TestOrderSessionKeysReachTheGateway(t *testing.T) {
	c, err := ordersExample(t, "kraken", `api_key = "APIKEY"
secret_file = "secret"
self_trade = "1"
out_limit = 4096
slow = "300ms"
user_timeout = "1500ms"
busy_poll = 0
[venue.orders.throttle]
messages = 100
window = "1s"
reserve = 20
[venue.orders.tls]
server_name = "venue.example"`)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := fixgw.DialectByName("kraken")
	g := fixgw.Config{Dialect: d}
	o := &c.Venue[0].Orders
	if err := c.orderSession(o, &g); err == nil {
		t.Error("no error without the file")
	}
	if err := os.WriteFile(c.at("secret"), []byte("c2VjcmV0\n"), 0o644); err != nil { //nolint:gosec // refused below
		t.Fatal(err)
	}
	if err := c.orderSession(o, &g); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a secret that others can read: %v", err)
	}
	if err := os.Chmod(c.at("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.orderSession(o, &g); err != nil {
		t.Fatal(err)
	}
	if g.Logon == nil || g.TLS == nil || g.TLS.ServerName != "venue.example" || g.TLS.InsecureSkipVerify {
		t.Errorf("Logon %v, TLS %+v", g.Logon != nil, g.TLS)
	}
	if g.Throttle != (fixgw.Throttle{Messages: 100, WindowNanos: 1e9, Reserve: 20}) || g.OutLimit != 4096 ||
		g.SlowNanos != 300e6 || g.Account.SelfTrade != "1" {
		t.Errorf("%+v", g)
	}
	if s := g.Socket; s.UserTimeoutMillis != 1500 || s.BusyPollMicros != 0 || !s.QuickAck {
		t.Errorf("%+v", s)
	}
}

func TestOrderSessionKeysThatContradict(t *testing.T) {
	for _, c := range []struct{ dialect, keys, want string }{
		{"kraken", "", "api_key and orders.secret_file must be set"},
		{"iex", "api_key = \"K\"", "no signed Logon"},
		{"binance", "api_key = \"K\"\nsecret_file = \"a\"\nsecret_env = \"B\"", "not both"},
		{"sim", "busy_poll = -1", "busy_poll"},
		{"sim", "out_limit = -1", "out_limit"},
		{"sim", "[venue.orders.tls]\ncert_file = \"a\"", "belong together"},
		{"sim", "[venue.orders.tls]\ninsecure_skip_verify = true", "unknown key"},
		{"sim", "[venue.orders.throttle]\nrate = 5", "unknown key"},
	} {
		if _, err := ordersExample(t, c.dialect, c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: got %v, want an error about %q", c.dialect, c.keys, err, c.want)
		}
	}
	c, err := ordersExample(t, "coinbase", "api_key = \"K\"\nsecret_env = \"PENSTOCK_TEST_ORDERS\"")
	if err != nil {
		t.Fatal(err)
	}
	c.Venue[0].Orders.Address = "192.0.2.1:6121"
	if err := c.Venue[0].Orders.validate(); err == nil || !strings.Contains(err.Error(), "TLS only") {
		t.Errorf("coinbase without TLS: %v", err)
	}
}
