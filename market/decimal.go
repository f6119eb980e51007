package market

import "errors"

// ErrDecimal reports text that is not a plain decimal number: [-]digits[.digits].
var ErrDecimal = errors.New("not a decimal number")

// ErrPrecision reports more significant decimals than the unit can hold.
var ErrPrecision = errors.New("more decimals than the increment holds")

// Pow10 returns 10^n for n in 0..18.
func Pow10(n uint8) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// ParseDecimal reads a plain decimal number digit by digit into an integer
// scaled by 10^decimals. Trailing zeros beyond the scale are accepted; any other
// digit there is ErrPrecision, a value outside int64 is ErrOverflow. It does
// not allocate.
func ParseDecimal(text []byte, decimals uint8) (int64, error) {
	i, negative := 0, false
	if len(text) > 0 && text[0] == '-' {
		negative, i = true, 1
	}
	var v int64
	digits, fraction, point := 0, uint8(0), false
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && !point {
			point = true
			continue
		}
		d := int64(c) - '0'
		if d < 0 || d > 9 {
			return 0, ErrDecimal
		}
		digits++
		if point {
			if fraction == decimals {
				if d != 0 {
					return 0, ErrPrecision
				}
				continue
			}
			fraction++
		}
		if v > (1<<63-1-d)/10 {
			return 0, ErrOverflow
		}
		v = v*10 + d
	}
	if digits == 0 {
		return 0, ErrDecimal
	}
	for ; fraction < decimals; fraction++ {
		if v > (1<<63-1)/10 {
			return 0, ErrOverflow
		}
		v *= 10
	}
	if negative {
		v = -v
	}
	return v, nil
}

// AppendDecimal appends v / 10^decimals as plain decimal text with exactly that
// many decimals.
func AppendDecimal(dst []byte, v int64, decimals uint8) []byte {
	u := magnitude(v)
	if v < 0 {
		dst = append(dst, '-')
	}
	var b [24]byte
	i := len(b)
	for n := uint8(0); u > 0 || n <= decimals; n++ {
		if n == decimals && decimals > 0 {
			i--
			b[i] = '.'
		}
		i--
		b[i] = byte('0' + u%10)
		u /= 10
	}
	return append(dst, b[i:]...)
}

// AppendTrimmed is AppendDecimal without trailing zeros (and without a trailing point).
func AppendTrimmed(dst []byte, v int64, decimals uint8) []byte {
	dst = AppendDecimal(dst, v, decimals)
	if decimals == 0 {
		return dst
	}
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
