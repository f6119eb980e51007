package serve

import (
	"net"
	"testing"
)

// FuzzFeedRequests sends any bytes to the parts that read from feed clients:
// they must answer or be silent, never fail.
func FuzzFeedRequests(f *testing.F) {
	f.Add([]byte(`{"method":"subscribe","params":{"channel":"book","symbol":["PNSK"],"depth":10}}`))
	f.Add([]byte(`{"method":"unsubscribe","params":{"channel":"trade","symbol":["PNSK"]},"req_id":1}`))
	f.Add([]byte(`{"type":"subscribe","product_ids":["PNSK"],"channels":["matches",{"name":"status"}]}`))
	f.Add([]byte(`{"type":"subscribe","channels":[1,{}]}`))
	f.Add([]byte("0123456789\x00\x00\x00\x00\x00\x00\x00\x01\x00\x05"))
	m := startMarket(f)
	f.Fuzz(func(t *testing.T, request []byte) {
		m.Venue("LITA").mold.reply(request)
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, name := range []string{"LITB", "LITC"} {
			near, away := net.Pipe()
			defer away.Close()
			c := &wsConn{out: newOutbox(near)}
			m.Venue(name).ws.dialect.message(m.now(), c, request)
			c.out.drop()
		}
	})
}
