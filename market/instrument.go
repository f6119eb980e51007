package market

import "fmt"

// InstrumentID is the dense index of an instrument in the reference data.
type InstrumentID uint16

// NoInstrument marks a message that names no known instrument.
const NoInstrument InstrumentID = 1<<16 - 1

// Instrument is the reference data of one traded thing. It does not change while
// a router runs.
type Instrument struct {
	ID            InstrumentID
	Symbol        string // canonical symbol, as clients send it in Symbol(55)
	Currency      string // ISO 4217 or coin code of the price
	PriceDecimals uint8  // one Price is 10^-PriceDecimals of Currency
	QtyDecimals   uint8  // one Qty is 10^-QtyDecimals of the traded unit
	Tick          Price  // quoting tick: prices of lit orders are multiples
	Lot           Qty    // order quantities are multiples
}

// Validate reports the first field that cannot be used.
func (in *Instrument) Validate() error {
	switch {
	case !ValidSymbol(in.Symbol):
		return fmt.Errorf("instrument %q: symbol must be 1 to 16 characters of A-Z a-z 0-9 . / _ -", in.Symbol)
	case in.PriceDecimals > 9 || in.QtyDecimals > 9:
		return fmt.Errorf("instrument %s: decimals must be 0 to 9", in.Symbol)
	case in.Tick <= 0:
		return fmt.Errorf("instrument %s: tick must be positive", in.Symbol)
	case in.Lot <= 0:
		return fmt.Errorf("instrument %s: lot must be positive", in.Symbol)
	}
	return nil
}

// ValidSymbol reports whether s can name an instrument.
func ValidSymbol(s string) bool {
	if len(s) == 0 || len(s) > 16 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '.', c == '/', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// FormatPrice returns p as decimal text.
func (in *Instrument) FormatPrice(p Price) string {
	return string(AppendDecimal(nil, int64(p), in.PriceDecimals))
}

// FormatQty returns q as decimal text without trailing zeros.
func (in *Instrument) FormatQty(q Qty) string {
	return string(AppendTrimmed(nil, int64(q), in.QtyDecimals))
}

// FormatNotional returns n as decimal text of the currency.
func (in *Instrument) FormatNotional(n Notional) string {
	return string(AppendDecimal(nil, int64(n), in.PriceDecimals+in.QtyDecimals))
}
