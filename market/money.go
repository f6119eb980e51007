package market

// Money is an amount over all instruments, in 1/10,000 of the currency unit.
type Money int64

// MoneyDecimals are those of Money.
const MoneyDecimals = 4

// MaxMoney stands for more than can be counted.
const MaxMoney Money = 1 << 62

// Money turns a notional with decimals, those of a price and a quantity together, into
// Money, rounded up. What does not fit is MaxMoney.
func (n Notional) Money(decimals uint8) Money {
	if decimals == MoneyDecimals {
		return Money(n)
	}
	if decimals >= MoneyDecimals {
		unit := Notional(Pow10(decimals - MoneyDecimals))
		m := Money(n / unit)
		if n%unit > 0 {
			m++
		}
		return m
	}
	unit := Money(Pow10(MoneyDecimals - decimals))
	if Money(n) > MaxMoney/unit {
		return MaxMoney
	}
	return Money(n) * unit
}
