package config

import (
	"encoding"
	"log/slog"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// setDefaults lays down the defaults of the tags.
func setDefaults(v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		field := v.Field(f.index)
		switch f.shape {
		case shapeSection:
			setDefaults(field)
		case shapeTexts:
			for text := range strings.SplitSeq(f.def, ",") {
				if text == "" {
					continue
				}
				item := reflect.New(f.typ.Elem()).Elem()
				setText(item, text)
				field.Set(reflect.Append(field, item))
			}
		case shapeText:
			if f.def != "" {
				setText(field, f.def)
			}
		}
	}
}

// setText gives a field the value that a text stands for. It returns what is
// wanted instead when the text stands for none.
func setText(v reflect.Value, text string) (want string) {
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return "a duration with its unit, such as 60s, 10m or 2160h"
		}
		*p = d
	case **time.Location:
		zone, err := time.LoadLocation(text)
		if err != nil || zone == time.Local {
			return "a time zone such as Atlantic/Reykjavik, Europe/Stockholm or UTC"
		}
		*p = zone
	case *slog.Level:
		if p.UnmarshalText([]byte(text)) != nil {
			return "debug, info, warn or error"
		}
	case *netip.Prefix:
		if p.UnmarshalText([]byte(text)) != nil {
			return "a network such as 10.0.0.0/8; a single address ends in /32"
		}
	case *KeyHash:
		if p.UnmarshalText([]byte(text)) != nil {
			return "the SHA-256 of an API key in 64 hex digits; the key itself must not stand here"
		}
	case *Colour:
		if p.UnmarshalText([]byte(text)) != nil {
			return "six hex digits, such as 0b5a54"
		}
	case *TimeOfDay:
		if p.UnmarshalText([]byte(text)) != nil {
			return "a time of day such as 21:00, or none"
		}
	case *Rotation:
		if p.UnmarshalText([]byte(text)) != nil {
			return "none, strict or grace: and a duration, such as grace:30s"
		}
	default:
		return setBasic(v, text)
	}
	return ""
}

func setBasic(v reflect.Value, text string) (want string) {
	switch v.Kind() {
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "true", "yes", "on", "1":
			v.SetBool(true)
		case "false", "no", "off", "0":
			v.SetBool(false)
		default:
			return "true or false"
		}
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return "a whole number, 0 or more"
		}
		v.SetInt(n)
	default:
		v.SetString(text)
	}
	return ""
}

// valueText writes a value as a file would have it.
func valueText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret:
		if x == "" {
			return ""
		}
		return redacted
	case time.Duration:
		return durationText(x)
	case slog.Level:
		return strings.ToLower(x.String())
	case *time.Location:
		return x.String()
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return ""
		}
		return string(text)
	case bool:
		return strconv.FormatBool(x)
	case int:
		return strconv.Itoa(x)
	}
	return v.String()
}

// durationText drops the zeros that time.Duration prints: 2160h, not 2160h0m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
