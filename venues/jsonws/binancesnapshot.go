package jsonws

// snapshotPath is the request for the depth of b: spot has 5000 levels a side,
// futures 1000.
func (n *Binance) snapshotPath(dst []byte, b *book) []byte {
	path, limit := "/api/v3/depth", "5000"
	if n.market == BinanceFutures {
		path, limit = "/fapi/v1/depth", "1000"
		if b.Contract != 0 {
			path = "/dapi/v1/depth"
		}
	}
	return append(append(append(append(append(dst, path...), "?symbol="...), b.Text...),
		"&limit="...), limit...)
}

// takeSnapshot takes the answer.
func (n *Binance) takeSnapshot(now int64, b *book, body []byte) error {
	return n.TakeSnapshot(now, b.Text, body)
}
