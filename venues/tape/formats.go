package tape

import "penstock/market"

// formats is in the order of --list.
var formats = []Format{
	{
		Name: "binance-spot", Kind: market.Lit, Instrument: "BTC-USDT", Symbol: "BTCUSDT",
		Description: "Binance spot: diff depth, trades, bookTicker and the REST snapshot",
		Example:     "BN-SPOT=binance-spot:crypto/binance-3books/spot_btcusdt_20240808.gz",
		contain:     containFrames, decode: newBinanceSpot,
	},
	{
		Name: "binance-usdm", Kind: market.Lit, Instrument: "BTC-USDT", Symbol: "BTCUSDT",
		Description: "Binance USD-margined futures, the same streams",
		Example: "BN-USDM=binance-usdm+basis=BN-SPOT:" +
			"crypto/binance-3books/usdm_btcusdt_20240808.gz",
		contain: containFrames, decode: newBinanceUSDM,
	},
	{
		Name: "binance-cm", Kind: market.Lit, Instrument: "BTC-USDT", Symbol: "BTCUSD_PERP",
		Description: "Binance coin-margined futures, the same streams; sizes in contracts",
		Example: "BN-CM=binance-cm+basis=BN-SPOT:" +
			"crypto/binance-3books/cm_btcusd_perp_20240808.gz",
		contain: containFrames, decode: newBinanceCM,
	},
	{
		Name: "kraken-v2", Kind: market.Lit, Instrument: "BTC-USD", Symbol: "BTC/USD",
		Description: "Kraken WebSocket v2: book with CRC32, trade",
		Example:     "KRAKEN=kraken-v2:crypto/kraken-v2/kraken_book_v2.jsonl",
		contain:     containFrames, decode: newKraken,
	},
	{
		Name: "coinbase", Kind: market.Lit, Instrument: "BTC-USD", Symbol: "BTC-USD",
		Description: "Coinbase Exchange WebSocket: level2, matches, heartbeat",
		Example: "COINBASE=coinbase+instrument=SKL-USD+decimals=6/8+symbol=SKL-USD:" +
			"crypto/venue-ws-raw/COINBASE/COINBASE.ws.28.0.zst",
		contain: containFrames, decode: newCoinbase,
	},
	{
		Name: "itch", Kind: market.Lit,
		Description: "Nasdaq TotalView-ITCH 5.0 messages, each behind its length; names no day",
		Example:     "XNAS=itch+instrument=ZXZZT+date=20191230:itch/nasdaq_itch50_first1000.itch",
		contain:     containLengths, decode: newITCH,
	},
	{
		Name: "dealer-csv", Kind: market.SDP, Instrument: "EUR/USD",
		Description: "a dealer's quotes: lines of ms since midnight, bid, ask; day in the file's name",
		Example:     "FXCM=dealer-csv+offset=5h:fx-dealers/fxcm/eurusd/20140508_quote.zip",
		contain:     containDay, decode: newDealer,
	},
}
