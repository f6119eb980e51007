package tape

import "penstock/market"

// formats is in the order of --list.
var formats = []Format{
	{
		Name: "binance-spot", Kind: market.Lit, Instrument: "BTC-USDT", Symbol: "BTCUSDT",
		Description: "Binance spot: diff depth, trades, bookTicker and the REST snapshot",
		Example:     "BN-SPOT=binance-spot:crypto/binance-3books/spot_btcusdt_20240808.gz",
		contain:     containFrames, decode: newBinanceSpot, survey: surveyJSON,
	},
	{
		Name: "binance-usdm", Kind: market.Lit, Instrument: "BTC-USDT", Symbol: "BTCUSDT",
		Description: "Binance USD-margined futures, the same streams",
		Example: "BN-USDM=binance-usdm+basis=BN-SPOT:" +
			"crypto/binance-3books/usdm_btcusdt_20240808.gz",
		contain: containFrames, decode: newBinanceUSDM, survey: surveyJSON,
	},
	{
		Name: "binance-cm", Kind: market.Lit, Instrument: "BTC-USDT", Symbol: "BTCUSD_PERP",
		Description: "Binance coin-margined futures, the same streams; sizes in contracts",
		Example: "BN-CM=binance-cm+basis=BN-SPOT:" +
			"crypto/binance-3books/cm_btcusd_perp_20240808.gz",
		contain: containFrames, decode: newBinanceCM, survey: surveyJSON,
	},
	{
		Name: "kraken-v2", Kind: market.Lit, Instrument: "BTC-USD", Symbol: "BTC/USD",
		Description: "Kraken WebSocket v2: book with CRC32, trade",
		Example:     "KRAKEN=kraken-v2:crypto/kraken-v2/kraken_book_v2.jsonl",
		contain:     containFrames, decode: playJSON(buildKraken),
	},
	{
		Name: "coinbase", Kind: market.Lit, Instrument: "BTC-USD", Symbol: "BTC-USD",
		Description: "Coinbase Exchange WebSocket: level2, matches, heartbeat",
		Example: "COINBASE=coinbase+instrument=SKL-USD+decimals=6/8+symbol=SKL-USD:" +
			"crypto/venue-ws-raw/COINBASE/COINBASE.ws.28.0.zst",
		contain: containFrames, decode: playJSON(buildCoinbase), survey: surveyJSON,
	},
	{
		Name: "kraken-v1", Kind: market.Lit,
		Description: "Kraken WebSocket v1: book with CRC32, trade",
		Example:     "KRAKEN=kraken-v1+instrument=ETH/CHF+decimals=2/8+symbol=ETH/CHF+depth=1000:crypto/venue-ws-raw/KRAKEN/KRAKEN.ws.50.0.zst",
		contain:     containFrames, decode: playJSON(buildKrakenV1), survey: surveyJSON,
	},
	{
		Name: "coinbase-full", Kind: market.Lit, byOrder: true,
		Description: "Coinbase Exchange WebSocket: full, order by order, and the level 3 book over HTTP",
		Example:     "COINBASE=coinbase-full+instrument=BTC-USD+symbol=BTC-USD:full.jsonl",
		contain:     containFrames, decode: playJSON(buildCoinbaseFull), survey: surveyJSON,
	},
	{
		Name: "coinbase-advanced", Kind: market.Lit,
		Description: "Coinbase Advanced Trade WebSocket: l2_data, market_trades, sequence_num",
		Example:     "COINBASE=coinbase-advanced+instrument=BTC-USD+symbol=BTC-USD:crypto/venue-ws-2026/COINBASE.jsonl.zst",
		contain:     containFrames, decode: playJSON(buildCoinbaseAdvanced), survey: surveyJSON,
	},
	{
		Name: "okx", Kind: market.Lit,
		Description: "OKX WebSocket v5: books with checksum and seqId, trades",
		Example:     "OKX=okx+instrument=BTC-USDT+symbol=BTC-USDT:crypto/venue-ws-raw/OKX/OKX.ws.1.0.zst",
		contain:     containFrames, decode: playJSON(buildOKX), survey: surveyContracts,
	},
	{
		Name: "bybit", Kind: market.Lit,
		Description: "Bybit WebSocket v5: orderbook with update numbers, publicTrade",
		Example:     "BYBIT=bybit+instrument=ETHUSDT+decimals=2/5+symbol=ETHUSDT+conn=spot+depth=200:crypto/venue-ws-2026/BYBIT.jsonl.zst",
		contain:     containFrames, decode: playJSON(buildBybit), survey: surveyJSON,
	},
	{
		Name: "bybit-v2", Kind: market.Lit,
		Description: "Bybit WebSocket v2 of 2021: orderBookL2 with cross_seq, trade",
		Example:     "BYBIT=bybit-v2+instrument=ETHUSDT+decimals=2/7+symbol=ETHUSDT:crypto/venue-ws-raw/BYBIT/BYBIT.ws.25.0.zst",
		contain:     containFrames, decode: playJSON(buildBybitV2), survey: surveyContracts,
	},
	{
		Name: "gemini", Kind: market.Lit,
		Description: "Gemini market data v2: l2_updates, trade",
		Example:     "GEMINI=gemini+instrument=BTCUSD+decimals=2/8+symbol=BTCUSD:crypto/venue-ws-2026/GEMINI.jsonl.zst",
		contain:     containFrames, decode: playJSON(buildGemini), survey: surveyJSON,
	},
	{
		Name: "bitstamp", Kind: market.Lit,
		Description: "Bitstamp WebSocket v2: diff_order_book, live_trades, and the order book over HTTP",
		Example:     "BITSTAMP=bitstamp+instrument=ETHUSD+decimals=2/8+symbol=ethusd:crypto/venue-ws-raw/BITSTAMP/BITSTAMP.ws.1.0.zst,crypto/venue-ws-raw/BITSTAMP/BITSTAMP.http.0.0.zst",
		contain:     containFrames, decode: playJSON(buildBitstamp), survey: surveyJSON,
	},
	{
		Name: "itch", Kind: market.Lit, byOrder: true, stock: true,
		Description: "Nasdaq TotalView-ITCH 5.0 messages, each behind its length; names no day",
		Example:     "XNAS=itch+instrument=ZXZZT+date=20191230:itch/nasdaq_itch50_first1000.itch",
		contain:     containLengths, decode: newITCH, survey: surveyITCH,
	},
	{
		Name: "itch-pcap", Kind: market.Lit, byOrder: true, stock: true,
		Description: "TotalView-ITCH 5.0 over MoldUDP64 in a packet capture (pcap, pcapng)",
		Example: "XNAS=itch-pcap+instrument=AAPL:pcap-samples/omi_exchange_packets.tar.zst!" +
			"omi-Data/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0/Multiple.Packets.pcap",
		contain: containPackets, decode: newMold,
	},
	{
		Name: "iex-deep", Kind: market.Lit, stock: true,
		Description: "IEX DEEP 1.0 over IEX-TP in a packet capture (pcap, pcapng)",
		Example:     "IEXG=iex-deep+instrument=ZIEXT:iex/DEEP10.pcap.gz",
		contain:     containPackets, decode: newIEX,
	},
	{
		Name: "dealer-csv", Kind: market.SDP, Instrument: "EUR/USD",
		Description: "a dealer's quotes: lines of ms since midnight, bid, ask; day in the file's name",
		Example:     "FXCM=dealer-csv+offset=5h:fx-dealers/fxcm/eurusd/20140508_quote.zip",
		contain:     containDay, decode: newDealer,
	},
	{
		Name: "nbbo", Kind: market.Lit, stock: true,
		Description: "US consolidated best bid and offer, and trades: CSV of ms since midnight, prices x 10000",
		Example: "NBBO=nbbo+instrument=IBM+offset=4h:us-equities/tick/ibm/20131008_quote.zip," +
			"us-equities/tick/ibm/20131008_trade.zip",
		contain: containDay, decode: newNBBO,
	},
	{
		Name: "lobster", Kind: market.Lit, byOrder: true, stock: true,
		Description: "LOBSTER message file, order by order; +book=PATH of the order book file seeds it",
		Example:     "XNAS=lobster+instrument=AAPL+date=20120621:lobster/AAPL_2012-06-21_first999_message_10.csv.zst",
		contain:     containSeconds, decode: newLobster,
	},
	{
		Name: "lobster-levels", Kind: market.Lit, stock: true,
		Description: "LOBSTER message file with the order book file of +book=PATH, as price levels",
		Example: "XNAS=lobster-levels+instrument=AMZN+date=20120621+book=ORDERBOOK:" +
			"lobster/AMZN_2012-06-21_34200000_57600000_message_1.csv.zst",
		contain: containSeconds, decode: newLobsterLevels,
	},
	{
		Name: "fix-md", Kind: market.Lit,
		Description: "FIX messages as they were sent: framing and CheckSum(10) are checked, no book is made",
		Example:     "JSE=fix-md+instrument=J200+decimals=2/0:fix/jse_indices_fix50_marketdata.fix.zst",
		contain:     containFIX, decode: newFIX,
	},
	{
		Name: "recorded", Kind: market.Lit,
		Description: "a file of penstock record: format and symbols are in its header",
		Example:     "LITA=recorded:recordings/LITA-20261120T143000Z.psrec",
		contain:     containRecorded, decode: newRecorded, survey: surveyRecorded,
	},
}
