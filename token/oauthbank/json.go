package oauthbank

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object whose members are read one by one, so that an odd
// one spoils nothing but itself. Names are compared exactly, unlike in
// encoding/json.
type object struct {
	members map[string]json.RawMessage
	torn    map[string]bool // given twice with different values
}

// parseObject takes what banks send: a byte order mark before the object
// and anything after it are ignored.
func parseObject(text []byte) (object, error) {
	o := object{members: map[string]json.RawMessage{}, torn: map[string]bool{}}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	start, err := d.Token()
	if err != nil || start != json.Delim('{') {
		return object{}, errors.New("no JSON object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return object{}, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return object{}, err
		}
		key, _ := name.(string)
		if old, twice := o.members[key]; twice && !bytes.Equal(old, value) {
			o.torn[key] = true
		}
		o.members[key] = value
	}
	_, err = d.Token()
	return o, err
}

// has tells whether a member is there and not null.
func (o object) has(name string) bool {
	value, ok := o.members[name]
	return ok && string(value) != "null"
}

// text is a member that is a string; ok is false when it is anything else
// or is contradicted. Absent and null are the empty string.
func (o object) text(name string) (value string, ok bool) {
	if !o.has(name) {
		return "", !o.torn[name]
	}
	err := json.Unmarshal(o.members[name], &value)
	return value, err == nil && !o.torn[name]
}

// texts is a member that is a string or a list of strings.
func (o object) texts(name string) (values []string, ok bool) {
	if value, ok := o.text(name); ok && o.has(name) {
		return []string{value}, true
	}
	err := json.Unmarshal(o.members[name], &values)
	return values, err == nil && values != nil && !o.torn[name]
}

// number is a member that is a number, or one in a string; fractions are
// fine, NaN and what time.Duration cannot hold are not.
func (o object) number(name string) (float64, bool) {
	if !o.has(name) || o.torn[name] {
		return 0, false
	}
	literal := string(o.members[name])
	if quoted, ok := o.text(name); ok {
		literal = strings.TrimSpace(quoted)
	}
	n, err := strconv.ParseFloat(literal, 64)
	return n, err == nil && math.Abs(n) <= 1e11
}

// instant is a member that is a NumericDate (RFC 7519 section 2).
func (o object) instant(name string) (time.Time, bool) {
	seconds, ok := o.number(name)
	if !ok {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}

// flag is a member that is exactly true.
func (o object) flag(name string) bool { return string(o.members[name]) == "true" && !o.torn[name] }
