package config

import (
	"encoding"
	"reflect"
	"strings"
	"sync"
	"time"
)

// field is one setting, as the tags of the structs describe it.
type field struct {
	index    int
	typ      reflect.Type
	shape    shape
	key      string   // yaml: its name in its section
	def      string   // default: laid down before any source; lists by comma
	doc      string   // doc: one or two sentences for the reference
	need     string   // need: what to do when it is missing; empty for optional ones
	values   []string // values: the words it may have; nil for any
	later    []string // later: words that we know but do not support yet
	excludes string   // excludes: the neighbour that it replaces
}

// shape is how a setting is written.
type shape int

const (
	shapeText    shape = iota // one scalar
	shapeTexts                // list of scalars
	shapeMap                  // scalars by key
	shapeSection              // keys with meanings of their own
	shapeList                 // list of sections
)

var (
	secretType      = reflect.TypeFor[Secret]()
	secretsType     = reflect.TypeFor[[]Secret]()
	bankType        = reflect.TypeFor[Bank]()
	locationType    = reflect.TypeFor[*time.Location]()
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// schema holds the fields of every section, read from the structs once.
var schema = sync.OnceValue(func() map[reflect.Type][]field {
	all := map[reflect.Type][]field{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		all[t] = readTags(t)
		for _, f := range all[t] {
			switch f.shape {
			case shapeSection:
				add(f.typ)
			case shapeList:
				add(f.typ.Elem())
			}
		}
	}
	add(reflect.TypeFor[Config]())
	return all
})

// fieldsOf lists the settings of a section in the order of its struct.
func fieldsOf(t reflect.Type) []field { return schema()[t] }

func readTags(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		if !sf.IsExported() {
			continue
		}
		fields = append(fields, field{
			index:    i,
			typ:      sf.Type,
			shape:    shapeOf(sf.Type),
			key:      sf.Tag.Get("yaml"),
			def:      sf.Tag.Get("default"),
			doc:      sf.Tag.Get("doc"),
			need:     sf.Tag.Get("need"),
			values:   words(sf.Tag.Get("values")),
			later:    words(sf.Tag.Get("later")),
			excludes: sf.Tag.Get("excludes"),
		})
	}
	return fields
}

// secret tells a setting that may come from a file of its own.
func (f field) secret() bool { return f.typ == secretType || f.typ == secretsType }

func words(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, "|")
}

func shapeOf(t reflect.Type) shape {
	switch {
	case t == locationType, reflect.PointerTo(t).Implements(unmarshalerType):
		return shapeText
	case t.Kind() == reflect.Map:
		return shapeMap
	case t.Kind() == reflect.Struct:
		return shapeSection
	case t.Kind() == reflect.Slice && shapeOf(t.Elem()) == shapeSection:
		return shapeList
	case t.Kind() == reflect.Slice:
		return shapeTexts
	}
	return shapeText
}

// fileSuffix makes of a secret's key the key of the file that holds it.
const fileSuffix = "_file"

// keysOf lists the keys that a section may have.
func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.key)
		if f.secret() {
			keys = append(keys, f.key+fileSuffix)
		}
	}
	return keys
}

// lookup finds the setting that a key sets. fromFile tells that the key names
// the file with a secret rather than the secret.
func lookup(t reflect.Type, key string) (f field, fromFile, ok bool) {
	for _, f := range fieldsOf(t) {
		if f.key == key {
			return f, false, true
		}
		if f.secret() && f.key+fileSuffix == key {
			return f, true, true
		}
	}
	return field{}, false, false
}

// rival returns the other key that would set the same thing: a secret's file
// for a secret, or the neighbour that the setting replaces.
func rival(t reflect.Type, key string) string {
	f, fromFile, ok := lookup(t, key)
	switch {
	case !ok:
		return ""
	case fromFile:
		return f.key
	case f.secret():
		return f.key + fileSuffix
	}
	return f.excludes
}

// elsewhere returns the full name of the only setting with that key in any
// section, for somebody who indented it wrongly.
func elsewhere(key string) string {
	var found []string
	walk(reflect.TypeFor[Config](), "", func(name string, f field) {
		if f.key == key {
			found = append(found, name)
		}
	})
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// walk visits every setting, those of list elements as "banks[].issuer".
func walk(t reflect.Type, prefix string, visit func(name string, f field)) {
	for _, f := range fieldsOf(t) {
		name := prefix + f.key
		switch f.shape {
		case shapeSection:
			walk(f.typ, name+".", visit)
		case shapeList:
			visit(name, f)
			walk(f.typ.Elem(), name+"[].", visit)
		default:
			visit(name, f)
		}
	}
}
