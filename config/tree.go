package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// tree is a parsed source, before it is given a meaning: a YAML document, and
// what the environment changed in it.
type tree struct {
	file string
	root *yaml.Node            // a mapping
	vars map[*yaml.Node]string // nodes that a variable made
}

// parseTree reads one document. An empty one is an empty mapping.
func parseTree(file string, data []byte, r *report) *tree {
	t := &tree{file: file, root: newMapping(), vars: map[*yaml.Node]string{}}
	var docs []*yaml.Node
	if err := loadNodes(data, &docs); err != nil {
		t.syntaxProblem(err, r)
		return t
	}
	switch {
	case len(docs) > 1:
		r.add(t.where(docs[1]), "", "a second document begins here; the file holds one: remove the line with ---")
	case len(docs) == 1 && len(docs[0].Content) == 1 && !isNull(docs[0].Content[0]):
		t.root = docs[0].Content[0]
	}
	return t
}

// loadNodes parses without building Go values, so that no message of the
// library names a Go type or repeats a value.
func loadNodes(data []byte, docs *[]*yaml.Node) error {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	for {
		var doc yaml.Node
		err := loader.Load(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		*docs = append(*docs, &doc)
	}
}

// syntaxProblem rewrites a parse error. The texts of the scanner and the
// parser are fixed; those of the later stages repeat words of the file, which
// may be an unquoted password, and are replaced.
func (t *tree) syntaxProblem(err error, r *report) {
	const quote = "unreadable as YAML; put values that begin with * & ! % @ or ` into quotes"
	where, text := t.file, quote
	if le, ok := errors.AsType[*yaml.LoadError](err); ok {
		if le.Mark.Line > 0 {
			where += ":" + strconv.Itoa(le.Mark.Line)
		}
		switch le.Stage {
		case yaml.ScannerStage, yaml.ParserStage:
			text = "unreadable as YAML: " + le.Message + "; look at the indentation and the quotes here and just above"
		case yaml.ReaderStage:
			text = "not a text file in UTF-8"
		}
	}
	r.add(where, "", "%s", text)
}

// where names the place of a node: the variable that made it, or its line.
func (t *tree) where(n *yaml.Node) string {
	if name, ok := t.vars[n]; ok {
		return name
	}
	if n.Line == 0 {
		return t.file
	}
	return t.file + ":" + strconv.Itoa(n.Line)
}

// get returns the value of a key, nil when the mapping does not have it.
func get(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// put sets a key, in place of an earlier value.
func put(mapping *yaml.Node, key string, value *yaml.Node) {
	remove(mapping, key)
	mapping.Content = append(mapping.Content, newScalar(key), value)
}

func remove(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i:i], mapping.Content[i+2:]...)
			return
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func newScalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}
func newMapping() *yaml.Node  { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }
func newSequence() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"} }

// elementID returns the id of a list's element: what it says, or for a bank
// its profile's name.
func elementID(t reflect.Type, n *yaml.Node) string {
	for _, key := range []string{"id", "profile"} {
		if _, _, ok := lookup(t, key); !ok {
			continue
		}
		if id := get(n, key); id != nil && idForm.MatchString(id.Value) {
			return id.Value
		}
	}
	return ""
}
