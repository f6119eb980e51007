package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unready change one place of docs/penstock.toml each, so that it still reads well and a run could not start:
// old text, new text, what the error must name.
var unready = []struct{ name, old, new, want string }{
	{"FIX of no version", `target_comp_id = "DESK"`, "target_comp_id = \"DESK\"\nbegin_string = \"FIX.4.9\"", "ems.session.begin_string"},
	{"nobody's session", "sender_comp_id = \"PENSTOCK\"\ntarget_comp_id = \"DESK\"", "sender_comp_id = \"\"\ntarget_comp_id = \"DESK\"", "ems.session.sender_comp_id"},
	{"a certificate without TLS", `target_comp_id = "DESK"`, "target_comp_id = \"DESK\"\ncert_name = \"desk.example\"", "ems.session.cert_name"},
	{"no certificate", `# tls_cert = "router.pem"`, "tls_cert = \"gone.pem\"\ntls_key = \"gone.key\"", "ems.tls_cert"},
	{"no password", `target_comp_id = "DESK"`, "target_comp_id = \"DESK\"\npassword_file = \"gone.secret\"", "session 1 (DESK): password_file"},
	{"a heartbeat an hour long", "target_comp_id = \"LITA\"\nheartbeat = 30", "target_comp_id = \"LITA\"\nheartbeat = 3601", "orders.heartbeat"},
	{"a throttle of less than nothing", `# account = "ACC1"  `, `throttle = { messages = -10, window = "1s", reserve = 3 } # `, "orders.throttle"},
	{"no symbol of ITCH", `symbols = { PSTK = "PSTK" }`, `symbols = { PSTK = "" }`, "symbols: feed"},
	{"a long symbol of ITCH", `symbols = { PSTK = "PSTK" }`, `symbols = { PSTK = "PSTKPSTK9" }`, "symbols: feed"},
	{"a venue beside the folder", `name = "LITA"`, `name = "../x"`, "name \"../x\""},
	{"a venue that is hidden", `name = "LITA"`, `name = ".x"`, "name \".x\""},
	{"cboe of nobody", `dialect = "sim"         # sim`, "capacity = \"P\"\ndialect = \"cboe\"         # sim", "orders.sender_sub_id"},
	{"cboe in no capacity", `dialect = "sim"         # sim`, "sender_sub_id = \"1\"\ntarget_sub_id = \"2\"\ndialect = \"cboe\"         # sim", "orders.capacity"},
	{"an interface of no group", `silence = "3s"  `, "interface = \"eth1\"\nsilence = \"3s\"  ", "feed.interface"},
	{"SOH in the account", `# account = "ACC1"`, `account = "ACC\u00011" #`, "orders.account has a control character"},
	{"SOH in a CompID", `sender_comp_id = "PENSTOCK"`, `sender_comp_id = "PEN\u0001STOCK"`, "ems.session 1: sender_comp_id has a control character"},
	{"a blank in a CompID", `target_comp_id = "LITA"`, `target_comp_id = "LI TA"`, "orders.target_comp_id"},
	{"NUL in a path", `journal = "journal"`, `journal = "jou\u0000rnal"`, "router.journal has a control character"},
	{"no secret", `dialect = "sim"         # sim`, "dialect = \"kraken\"\napi_key = \"K\"\nsecret_file = \"gone.secret\" # sim", "orders.secret_file"},
	{"no authority", `[venue.drop_copy] `, "[venue.orders.tls]\nca_file = \"gone.pem\"\n[venue.drop_copy] ", "orders.tls.ca_file"},
	{"no authority of a drop copy", `window = "3s" `, "tls = { ca_file = \"gone.pem\" }\nwindow = \"3s\" ", "drop_copy.tls.ca_file"},
	{"a drop copy's long heartbeat", "target_comp_id = \"LITA-DC\"\nheartbeat = 30", "target_comp_id = \"LITA-DC\"\nheartbeat = 4000", "drop_copy.heartbeat"},
	{"no file of sessions", `listen = "127.0.0.1:9878"`, `quickfix_cfg = "gone.cfg"`, "ems.quickfix_cfg"},
	{"no password of the snapshot", `silence = "3s"  `, "snapshot = \"127.0.0.1:1\"\nsnapshot_user = \"U\"\nsnapshot_password_file = \"gone\"\nsilence = \"3s\"  ", "feed.snapshot_password_file"},
}

// TestCheckSaysWhatARunWouldRefuse: check and the start of run refuse the same, as a configuration with its line, and
// leave nothing behind.
func TestCheckSaysWhatARunWouldRefuse(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("../../docs/penstock.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range unready {
		text := bytes.Replace(good, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(text, good) {
			t.Fatalf("%s: %q is not in the example any more", c.name, c.old)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "r.toml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ParseConfig(path, text); err != nil {
			t.Errorf("%s: a journal that holds it: %v", c.name, err)
		}
		for _, command := range []string{"check", "run"} {
			var stdout, stderr strings.Builder
			code := Main([]string{command, "-c", path}, &stdout, &stderr)
			if code != exitUsage || !strings.Contains(stderr.String(), c.want) || !strings.Contains(stderr.String(), path+" line ") {
				t.Errorf("%s: %s: exit %d: %s", c.name, command, code, stderr.String())
			}
		}
		if left, err := os.ReadDir(dir); len(left) != 1 || err != nil {
			t.Errorf("%s: it left %v (%v)", c.name, left, err)
		}
	}
}
