package tape

import (
	"fmt"

	"penstock/market"
)

// known is the reference data of what the recordings hold, with the sizes that
// are usual in it, for venues simulated beside it. Prices have one decimal more
// than the finest tick, so that midpoints are exact; a lot is the finest quantity
// of the recordings.
type known struct {
	market.Instrument
	halfSpread market.Price // of a simulated dealer
	quoteQty   market.Qty   // of it
	darkUnit   market.Qty   // of hidden interest; it comes in 1 to 100 of them
}

var knowns = [...]known{
	{crypto("BTC-USDT", "USDT", 6), 500, 1e6, 1e4},
	{crypto("ETH-USDT", "USDT", 6), 30, 1e7, 1e5},
	{crypto("BTC-USD", "USD", 8), 500, 1e8, 1e6},
	{crypto("ETH-USD", "USD", 8), 30, 1e9, 1e7},
	{currencies("EUR/USD"), 20, 1e6, 5e4},
	{currencies("NZD/USD"), 20, 1e6, 5e4},
}

func crypto(symbol, currency string, qtyDecimals uint8) market.Instrument {
	return market.Instrument{Symbol: symbol, Currency: currency,
		PriceDecimals: 3, QtyDecimals: qtyDecimals, Tick: 10, Lot: 1}
}

func currencies(symbol string) market.Instrument {
	return market.Instrument{Symbol: symbol, Currency: "USD", PriceDecimals: 6, Tick: 10, Lot: 1}
}

// stock is what is known of any US stock in an ITCH recording.
func stock(symbol string) known {
	return known{market.Instrument{Symbol: symbol, Currency: "USD",
		PriceDecimals: 5, Tick: 1000, Lot: 1}, 1000, 1000, 100}
}

// made is an instrument of which only the decimals are known: one increment is a
// tick.
func made(symbol string, priceDecimals, qtyDecimals uint8) known {
	unit := market.Qty(market.Pow10(qtyDecimals))
	return known{market.Instrument{Symbol: symbol, Currency: "?", PriceDecimals: priceDecimals,
		QtyDecimals: qtyDecimals, Tick: 1, Lot: 1}, 5, 10 * unit, unit}
}

// findInstrument returns the reference data of a feed's instrument: what the feed
// says, or what is known.
func findInstrument(feed *Feed, f *Format) (known, error) {
	symbol := feed.Instrument
	if feed.Decimals != nil {
		k := made(symbol, feed.Decimals[0], feed.Decimals[1])
		return k, k.Validate()
	}
	for _, k := range knowns {
		if k.Symbol == symbol {
			return k, nil
		}
	}
	if !f.stock {
		return known{}, fmt.Errorf("instrument %q has no reference data: "+
			"give +decimals=PRICE/QTY", symbol)
	}
	k := stock(symbol)
	return k, k.Validate()
}

// fees are the published base-tier fees of the recorded venues, in millionths of
// the notional, as of 2024. They are assumptions, not part of the recordings.
var fees = map[string][2]market.Fee{
	"binance-spot": {{Ppm: 1000}, {Ppm: 1000}},
	"binance-usdm": {{Ppm: 500}, {Ppm: 200}},
	"binance-cm":   {{Ppm: 500}, {Ppm: 200}},
	"kraken-v2":    {{Ppm: 4000}, {Ppm: 2500}},
	"coinbase":     {{Ppm: 12000}, {Ppm: 6000}},
	"kraken-v1":    {{Ppm: 2600}, {Ppm: 1600}},
	"okx":          {{Ppm: 1000}, {Ppm: 800}},
	"bybit":        {{Ppm: 1000}, {Ppm: 1000}},
	"bybit-v2":     {{Ppm: 750}, {Ppm: -250}},
	"gemini":       {{Ppm: 4000}, {Ppm: 2000}},
	"bitstamp":     {{Ppm: 4000}, {Ppm: 3000}},

	"coinbase-full":     {{Ppm: 12000}, {Ppm: 6000}},
	"coinbase-advanced": {{Ppm: 12000}, {Ppm: 6000}},

	"itch":      {{PerLotMilli: 300_000}, {PerLotMilli: -200_000}},
	"itch-pcap": {{PerLotMilli: 300_000}, {PerLotMilli: -200_000}},
	"lobster":   {{PerLotMilli: 300_000}, {PerLotMilli: -200_000}},
	"nbbo":      {{PerLotMilli: 300_000}, {}},
	"iex-deep":  {{PerLotMilli: 100_000}, {}},
}
