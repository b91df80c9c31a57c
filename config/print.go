package config

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Print writes the effective settings as YAML, secrets redacted, each with the
// place that set it. Settings without a place have their default.
func (c Config) Print(w io.Writer) error {
	text, err := yaml.Dump(c.sectionNode(reflect.ValueOf(c), ""))
	if err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	_, err = w.Write(text)
	return err
}

func (c Config) sectionNode(v reflect.Value, at string) *yaml.Node {
	n := newMapping()
	for _, f := range fieldsOf(v.Type()) {
		value := c.node(v.Field(f.index), f.shape, join(at, f.key))
		n.Content = append(n.Content, newScalar(f.key), value)
	}
	return n
}

func (c Config) node(v reflect.Value, s shape, at string) *yaml.Node {
	switch s {
	case shapeSection:
		return c.sectionNode(v, at)
	case shapeList:
		n := newSequence()
		for i := range v.Len() {
			name := at + "[" + strconv.Itoa(i) + "]"
			if id := v.Index(i).FieldByName("ID"); id.IsValid() {
				name = join(at, id.String())
			}
			n.Content = append(n.Content, c.sectionNode(v.Index(i), name))
		}
		return n
	case shapeMap:
		n := newMapping()
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			n.Content = append(n.Content, newScalar(k.String()), c.scalar(v.MapIndex(k), join(at, k.String())))
		}
		return n
	case shapeTexts:
		n := newSequence()
		n.Style, n.LineComment = yaml.FlowStyle, c.origins[at]
		for i := range v.Len() {
			n.Content = append(n.Content, newScalar(valueText(v.Index(i))))
		}
		return n
	}
	return c.scalar(v, at)
}

func (c Config) scalar(v reflect.Value, at string) *yaml.Node {
	n := newScalar(valueText(v))
	if k := v.Kind(); k == reflect.Bool || k == reflect.Int && v.Type() == reflect.TypeFor[int]() {
		n.Tag = ""
	}
	n.LineComment = c.origins[at]
	return n
}
