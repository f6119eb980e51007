package jsonws

import (
	"github.com/valyala/fastjson"

	"penstock/market"
)

// general reads any JSON. It refuses what two readers could understand in two
// ways: an object that has a name twice.
type general struct {
	parser fastjson.Parser
	number []byte
}

// namesMax bounds the names of one object; no venue message comes near it.
const namesMax = 64

// parse returns the object that msg is, nil when it is none. It is valid until
// the next parse.
func (g *general) parse(msg []byte) *fastjson.Value {
	// Parse bounds the depth of nesting, which Validate recurses into; Validate
	// checks numbers and strings, which Parse takes as they are.
	v, err := g.parser.ParseBytes(msg)
	if err != nil || v.Type() != fastjson.TypeObject || fastjson.ValidateBytes(msg) != nil ||
		!unambiguous(v) {
		return nil
	}
	return v
}

func unambiguous(v *fastjson.Value) bool {
	switch v.Type() {
	case fastjson.TypeArray:
		for _, item := range v.GetArray() {
			if !unambiguous(item) {
				return false
			}
		}
	case fastjson.TypeObject:
		object := v.GetObject()
		if object.Len() > namesMax {
			return false
		}
		ok := true
		object.Visit(func(name []byte, item *fastjson.Value) {
			same := 0
			object.Visit(func(other []byte, _ *fastjson.Value) {
				if string(other) == string(name) {
					same++
				}
			})
			ok = ok && same == 1 && unambiguous(item)
		})
		return ok
	}
	return true
}

// text returns the string v, nil when it is none.
func text(v *fastjson.Value) []byte {
	if v == nil || v.Type() != fastjson.TypeString {
		return nil
	}
	return v.GetStringBytes()
}

// decimal reads a string that holds a decimal number.
func (g *general) decimal(v *fastjson.Value, decimals uint8) (int64, error) {
	if v == nil || v.Type() != fastjson.TypeString {
		return 0, ErrMalformed
	}
	n, err := market.ParseDecimal(v.GetStringBytes(), decimals)
	if err != nil {
		return 0, verdict(err)
	}
	return n, nil
}

// numeral reads a JSON number without an exponent.
func (g *general) numeral(v *fastjson.Value, decimals uint8) (int64, error) {
	if v == nil || v.Type() != fastjson.TypeNumber {
		return 0, ErrMalformed
	}
	g.number = v.MarshalTo(g.number[:0])
	n, err := market.ParseDecimal(g.number, decimals)
	if err != nil {
		return 0, verdict(err)
	}
	return n, nil
}

// integer reads a JSON number that is an unsigned integer.
func (g *general) integer(v *fastjson.Value) (uint64, error) {
	n, err := g.numeral(v, 0)
	if err == nil && n < 0 {
		err = ErrAbsurd
	}
	return uint64(n), err
}

// ladder reads a list of [price, quantity] strings and appends its levels.
func (g *general) ladder(
	dst []change, v *fastjson.Value, side market.Side, s *Symbol,
) ([]change, error) {
	if v == nil || v.Type() != fastjson.TypeArray {
		return dst, ErrMalformed
	}
	for _, item := range v.GetArray() {
		pair := item.GetArray()
		if len(pair) != 2 {
			return dst, ErrMalformed
		}
		level, err := g.level(pair[0], pair[1], side, s)
		if err != nil {
			return dst, err
		}
		dst = append(dst, level)
	}
	return dst, nil
}

func (g *general) level(
	price, qty *fastjson.Value, side market.Side, s *Symbol,
) (l change, err error) {
	l = levelOf(side, 0, 0)
	if l.price, err = g.decimal(price, s.PriceDecimals); err != nil {
		return l, err
	}
	decimals := s.QtyDecimals
	if s.Contract != 0 {
		decimals = 0
	}
	if l.qty, err = g.decimal(qty, decimals); err != nil {
		return l, err
	}
	return l, l.check(s)
}

// check refuses a level that cannot be true and turns contracts into lots.
func (l *change) check(s *Symbol) error {
	if l.price <= 0 || l.qty < 0 {
		return ErrAbsurd
	}
	if s.Contract != 0 {
		lots, ok := s.lots(l.qty, l.price)
		if !ok {
			return ErrAbsurd
		}
		l.qty = lots
	}
	return nil
}
