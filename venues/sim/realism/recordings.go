package realism

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Recording is a real market beside the simulated one.
type Recording struct {
	Name string
	Days []*Series
}

// Recordings reads what there is in a folder of recorded data: the consolidated tape of
// two stocks, orders of one from LOBSTER, a spot market of Binance. A folder without them
// gives an error that says which file is missing.
func Recordings(data fs.FS) ([]Recording, error) {
	var list []Recording
	for _, symbol := range []string{"bac", "ibm"} {
		r := Recording{Name: strings.ToUpper(symbol) + " 2013"}
		for _, day := range []string{"20131007", "20131008", "20131009"} {
			d, err := tapeDay(data, "us-equities/tick/"+symbol+"/"+day)
			if err != nil {
				return nil, fmt.Errorf("realism: %s %s: %w", symbol, day, err)
			}
			r.Days = append(r.Days, d)
		}
		list = append(list, r)
	}
	amazon, err := lobsterDay(data, "lobster/AMZN_2012-06-21_34200000_57600000_")
	if err != nil {
		return nil, fmt.Errorf("realism: LOBSTER: %w", err)
	}
	binance, err := binanceDay(data, "crypto/binance-3books/spot_btcusdt_20240808.gz")
	if err != nil {
		return nil, fmt.Errorf("realism: Binance: %w", err)
	}
	return append(list, Recording{"AMZN 2012 (Nasdaq)", []*Series{amazon}}, Recording{"BTC-USDT 2024, 6 min", []*Series{binance}}), nil
}

const (
	openMillis  = 34_200_000
	closeMillis = 57_600_000
	centTick    = 100 // prices count 10,000 to the dollar
)

// touchSeries samples a touch once a second.
type touchSeries struct {
	*Series
	bid, ask, bidQty, askQty float64
	second                   int
}

func (t *touchSeries) upTo(second float64) {
	for float64(t.second) < second && t.second < t.Seconds {
		t.second++
		if t.bid <= 0 || t.ask <= t.bid {
			t.see(0, 0, 0, 0)
			continue
		}
		t.see((t.bid+t.ask)/2, t.ask-t.bid, (t.bidQty-t.askQty)/math.Max(t.bidQty+t.askQty, 1e-9), (t.bidQty+t.askQty)/2/t.Lot)
	}
}

// sign is that of the quote rule: above the mid a buyer, below a seller.
func (t *touchSeries) sign(price float64) int8 {
	switch mid := (t.bid + t.ask) / 2; {
	case price > mid:
		return 1
	case price < mid:
		return -1
	}
	return 0
}

// tapeDay reads quotes and trades of the consolidated tape and merges them by time;
// quotes of a millisecond come first.
func tapeDay(data fs.FS, path string) (*Series, error) {
	quotes, err := zipLines(data, path+"_quote.zip")
	if err != nil {
		return nil, err
	}
	trades, err := zipLines(data, path+"_trade.zip")
	if err != nil {
		return nil, err
	}
	t := touchSeries{Series: &Series{Name: path, Seconds: DaySeconds, Lot: 100}}
	for _, line := range trades {
		f := bytes.Split(line, []byte(","))
		ms := number64(f, 0)
		if ms < openMillis || ms >= closeMillis {
			continue
		}
		for len(quotes) > 0 {
			q := bytes.Split(quotes[0], []byte(","))
			at := number64(q, 0)
			if at > ms {
				break
			}
			quotes = quotes[1:]
			if at < openMillis {
				at = openMillis
			}
			t.upTo((at - openMillis) / 1000)
			if p := number64(q, 1); p > 0 {
				t.bid, t.bidQty = p/centTick, number64(q, 2)
			}
			if p := number64(q, 3); p > 0 {
				t.ask, t.askQty = p/centTick, number64(q, 4)
			}
		}
		t.print((ms-openMillis)/1000, t.sign(number64(f, 1)/centTick), number64(f, 2))
	}
	t.upTo(DaySeconds)
	return t.Series, nil
}

// lobsterDay reads a day of messages with the touch after each.
func lobsterDay(data fs.FS, prefix string) (*Series, error) {
	messages, err := zstdLines(data, prefix+"message_1.csv.zst")
	if err != nil {
		return nil, err
	}
	books, err := zstdLines(data, prefix+"orderbook_1.csv.zst")
	if err != nil {
		return nil, err
	}
	if len(messages) != len(books) {
		return nil, fmt.Errorf("%d messages, %d books", len(messages), len(books))
	}
	t := touchSeries{Series: &Series{Name: prefix, Seconds: DaySeconds, Lot: 100}}
	for i, line := range messages {
		m, b := bytes.Split(line, []byte(",")), bytes.Split(books[i], []byte(","))
		at := number64(m, 0) - openMillis/1000
		t.upTo(at)
		if kind := number64(m, 1); kind == 4 || kind == 5 {
			// The direction is that of the resting order.
			t.print(at, int8(-number64(m, 5)), number64(m, 3))
		}
		t.ask, t.askQty = number64(b, 0)/centTick, number64(b, 1)
		t.bid, t.bidQty = number64(b, 2)/centTick, number64(b, 3)
	}
	t.upTo(DaySeconds)
	return t.Series, nil
}

// binanceDay reads best quotes and trades as they were received; a tick is a cent.
func binanceDay(data fs.FS, path string) (*Series, error) {
	f, err := data.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	const tick = .01
	t := touchSeries{Series: &Series{Name: path, Seconds: 340, Lot: .01}}
	first := 0.0
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		stamp, body, ok := bytes.Cut(s.Bytes(), []byte(" "))
		var m struct {
			Stream string `json:"stream"`
			Data   struct {
				Bid    json.RawMessage `json:"b"`
				Ask    json.RawMessage `json:"a"`
				BidQty json.RawMessage `json:"B"`
				AskQty json.RawMessage `json:"A"`
				Price  string          `json:"p"`
				Qty    string          `json:"q"`
				Seller bool            `json:"m"`
				Best   bool            `json:"M"` // named, or it would be taken for m
			} `json:"data"`
		}
		if !ok || !bytes.Contains(body, []byte("@bookTicker")) && !bytes.Contains(body, []byte("@trade")) || json.Unmarshal(body, &m) != nil {
			continue
		}
		at, _ := strconv.ParseFloat(string(stamp), 64)
		if at /= 1e9; first == 0 {
			first = at
		}
		t.upTo(at - first)
		if strings.HasSuffix(m.Stream, "trade") {
			sign := int8(1)
			if m.Data.Seller {
				sign = -1
			}
			qty, _ := strconv.ParseFloat(m.Data.Qty, 64)
			t.print(at-first, sign, qty)
			continue
		}
		t.bid, t.ask = quoted(m.Data.Bid)/tick, quoted(m.Data.Ask)/tick
		t.bidQty, t.askQty = quoted(m.Data.BidQty), quoted(m.Data.AskQty)
	}
	t.upTo(float64(t.Seconds))
	return t.Series, s.Err()
}

func quoted(b json.RawMessage) float64 {
	v, _ := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	return v
}

func number64(fields [][]byte, i int) float64 {
	if i >= len(fields) {
		return 0
	}
	v, _ := strconv.ParseFloat(string(fields[i]), 64)
	return v
}

func zipLines(data fs.FS, path string) ([][]byte, error) {
	packed, err := fs.ReadFile(data, path)
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, err
	}
	if len(z.File) != 1 {
		return nil, fmt.Errorf("%s holds %d files, not one", path, len(z.File))
	}
	f, err := z.File[0].Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return lines(f)
}

func zstdLines(data fs.FS, path string) ([][]byte, error) {
	f, err := data.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return lines(z)
}

func lines(r io.Reader) ([][]byte, error) {
	all, err := io.ReadAll(r)
	return bytes.Split(bytes.TrimSpace(bytes.ReplaceAll(all, []byte("\r"), nil)), []byte("\n")), err
}
