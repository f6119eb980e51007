package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Meta says how a table was made; it is section META, a JSON object.
type Meta struct {
	Trainer         string   `json:"trainer"`         // required
	Version         string   `json:"version"`         // of the trainer, required
	Rules           []string `json:"rules,omitempty"` // of a rule-based table, in words
	Seeds           []int64  `json:"seeds,omitempty"`
	Days            []string `json:"days,omitempty"`            // training days, ISO 8601
	Params          []string `json:"params,omitempty"`          // hyper-parameters, name=value
	FeeScheduleDate string   `json:"feeScheduleDate,omitempty"` // ISO 8601
}

func (m *Meta) encode() ([]byte, error) {
	if m.Trainer == "" || m.Version == "" {
		return nil, refuse(errEncode, tagMETA, 0, "trainer and version must be given")
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, refuse(errEncode, tagMETA, 0, "%v", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// decodeMeta reads META strictly: a field that is unknown, repeated, of another
// type or missing is an error, because a table whose origin cannot be read must
// not trade.
func decodeMeta(e entry) (m Meta, err error) {
	err = walkObject(e, ErrMeta, func(key string, s *scanner) error {
		switch key {
		case "trainer":
			m.Trainer, err = s.text()
		case "version":
			m.Version, err = s.text()
		case "rules":
			m.Rules, err = s.texts()
		case "seeds":
			m.Seeds, err = s.integers()
		case "days":
			m.Days, err = s.texts()
		case "params":
			m.Params, err = s.texts()
		case "feeScheduleDate":
			m.FeeScheduleDate, err = s.text()
		default:
			err = fmt.Errorf("unknown field %q", key)
		}
		return err
	})
	if err == nil && (m.Trainer == "" || m.Version == "") {
		err = refuse(ErrMeta, tagMETA, e.offset, "trainer and version must be given")
	}
	return m, err
}

// walkObject calls field for every member of the JSON object that is section e;
// field reads the value. Repeated members, anything after the object and text
// that is not UTF-8 are errors of the given kind.
func walkObject(e entry, kind error, field func(key string, s *scanner) error) error {
	if !utf8.Valid(e.data) {
		return refuse(kind, e.tag, e.offset, "not UTF-8")
	}
	s := &scanner{json.NewDecoder(bytes.NewReader(e.data))}
	s.UseNumber()
	var seen []string
	if err := s.delim('{'); err != nil {
		return s.refuse(kind, e, err)
	}
	for s.More() {
		key, err := s.text()
		if err != nil {
			return s.refuse(kind, e, err)
		}
		for _, before := range seen {
			if before == key {
				return s.refuse(kind, e, fmt.Errorf("field %q is repeated", key))
			}
		}
		seen = append(seen, key)
		if err := field(key, s); err != nil {
			return s.refuse(kind, e, err)
		}
	}
	if err := s.delim('}'); err != nil {
		return s.refuse(kind, e, err)
	}
	if rest := bytes.TrimLeft(e.data[s.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return s.refuse(kind, e, fmt.Errorf("text after the object"))
	}
	return nil
}

// scanner reads typed values off a stream of JSON tokens.
type scanner struct{ *json.Decoder }

func (s *scanner) refuse(kind error, e entry, err error) error {
	return refuse(kind, e.tag, e.offset+int(s.InputOffset()), "%v", err)
}

func (s *scanner) delim(want json.Delim) error {
	token, err := s.Token()
	if err == nil && token != want {
		err = fmt.Errorf("%v where %v is expected", token, want)
	}
	return err
}

func (s *scanner) text() (string, error) {
	token, err := s.Token()
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("%v where text is expected", token)
	}
	return text, nil
}

func (s *scanner) texts() (list []string, err error) {
	err = s.list(func() error {
		text, err := s.text()
		list = append(list, text)
		return err
	})
	return list, err
}

func (s *scanner) integers() (list []int64, err error) {
	err = s.list(func() error {
		token, err := s.Token()
		if err != nil {
			return err
		}
		number, ok := token.(json.Number)
		if !ok {
			return fmt.Errorf("%v where an integer is expected", token)
		}
		n, err := strconv.ParseInt(number.String(), 10, 64)
		list = append(list, n)
		return err
	})
	return list, err
}

func (s *scanner) list(item func() error) error {
	if err := s.delim('['); err != nil {
		return err
	}
	for s.More() {
		if err := item(); err != nil {
			return err
		}
	}
	return s.delim(']')
}
