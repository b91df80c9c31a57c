package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder gives one source its meaning, by laying it over a struct.
type decoder struct {
	*report
	*tree
}

// decode lays a source over the settings, which hold what earlier ones said.
func (t *tree) decode(into reflect.Value, at string, r *report) {
	decoder{r, t}.section(t.root, into, at)
}

// section lays a mapping over a struct. at is the section's name, empty for
// the root.
func (d decoder) section(n *yaml.Node, v reflect.Value, at string) {
	if isNull(n) || !d.plain(n, at, yaml.MappingNode, "keys and their values, indented below it") {
		return
	}
	d.note(at, n)
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := join(at, key.Value)
		f, fromFile, ok := lookup(v.Type(), key.Value)
		switch first, again := seen[key.Value], seen[key.Value] != nil; {
		case !ok || key.Kind != yaml.ScalarNode:
			d.unknownKey(key, value, v.Type(), at)
			continue
		case again:
			d.add(d.where(key), name, "stands here a second time, first at %s; keep one", d.where(first))
			continue
		}
		seen[key.Value] = value
		if isNull(value) {
			continue // a key with nothing behind it says nothing
		}
		if other := rival(v.Type(), key.Value); seen[other] != nil && !isNull(seen[other]) {
			d.add(d.where(value), name, "contradicts %s at %s; keep one", other, d.where(seen[other]))
			continue
		}
		d.displace(v, f, at)
		if fromFile {
			d.secretFile(value, v.Field(f.index), join(at, f.key), name)
			continue
		}
		d.setting(value, v.Field(f.index), f, name)
		if f.shape == shapeSection && key.Line > 0 {
			d.note(name, key) // its own line says more than that of its first key
		}
	}
}

// displace clears the neighbour that a setting replaces, which an earlier
// source set.
func (d decoder) displace(v reflect.Value, f field, at string) {
	if f.excludes == "" {
		return
	}
	other, _, _ := lookup(v.Type(), f.excludes)
	v.Field(other.index).SetZero()
	name := join(at, other.key)
	delete(d.origins, name)
	if other.shape == shapeSection {
		walk(other.typ, name+".", func(below string, _ field) { delete(d.origins, below) })
	}
}

// unknownKey repeats the key, unless it may be a value: in {password, hunter2}
// the second is a key with nothing behind it.
func (d decoder) unknownKey(key, value *yaml.Node, t reflect.Type, at string) {
	if key.Kind != yaml.ScalarNode || !keyForm.MatchString(key.Value) {
		d.add(d.where(key), at, "has a key that is not a name; look for a missing quote or hyphen")
		return
	}
	hint := didYouMean(key.Value, keysOf(t))
	if full := elsewhere(key.Value); hint == "" && full != "" {
		hint = "; did you mean \"" + full + "\"? Look at the indentation"
	}
	if hint == "" && isNull(value) {
		d.add(d.where(key), at, "has an unknown key with no value; look for a missing colon")
		return
	}
	d.add(d.where(key), join(at, key.Value), "unknown key%s", hint)
}

// setting lays a value over a field, by the shape of the field.
func (d decoder) setting(n *yaml.Node, v reflect.Value, f field, at string) {
	switch f.shape {
	case shapeSection:
		d.section(n, v, at)
	case shapeList:
		d.list(n, v, at)
	case shapeMap:
		d.stringMap(n, v, at)
	case shapeTexts:
		d.texts(n, v, f, at)
	case shapeText:
		if d.plain(n, at, yaml.ScalarNode, "one value") {
			d.note(at, n)
			d.text(n, v, f, at)
		}
	}
}

// texts reads a list of scalars; one alone is a list of one.
func (d decoder) texts(n *yaml.Node, v reflect.Value, f field, at string) {
	elements := n.Content
	if n.Kind == yaml.ScalarNode {
		elements = []*yaml.Node{n}
	} else if !d.plain(n, at, yaml.SequenceNode, "a list, such as [a, b]") {
		return
	}
	d.note(at, n)
	list := reflect.MakeSlice(v.Type(), 0, len(elements))
	for i, element := range elements {
		name := at + "[" + strconv.Itoa(i) + "]"
		item := reflect.New(v.Type().Elem()).Elem()
		if !d.plain(element, name, yaml.ScalarNode, "one value") {
			continue
		}
		d.note(name, element)
		if isNull(element) {
			d.add(d.where(element), name, "is empty; remove it")
			continue
		}
		d.text(element, item, f, name)
		list = reflect.Append(list, item)
	}
	v.Set(list)
}

func (d decoder) stringMap(n *yaml.Node, v reflect.Value, at string) {
	if !d.plain(n, at, yaml.MappingNode, "names and their values, indented below it") {
		return
	}
	d.note(at, n)
	texts := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := join(at, key.Value)
		_, again := texts[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !keyForm.MatchString(key.Value):
			d.add(d.where(key), at, "has a key that is not a name of letters, digits, hyphens and underscores")
		case again:
			d.add(d.where(key), name, "stands here a second time; keep one")
		case d.plain(value, name, yaml.ScalarNode, "one value"):
			d.note(name, value)
			texts[key.Value] = value.Value
		}
	}
	v.Set(reflect.ValueOf(texts))
}

// list reads a list of sections, each of which begins with its defaults and,
// for a bank, with its profile.
func (d decoder) list(n *yaml.Node, v reflect.Value, at string) {
	if !d.plain(n, at, yaml.SequenceNode, "a list, each entry with a hyphen") {
		return
	}
	d.note(at, n)
	taken := map[string]bool{}
	for i, entry := range n.Content {
		item := reflect.New(v.Type().Elem()).Elem()
		name := at + "[" + strconv.Itoa(i) + "]"
		if id := elementID(item.Type(), entry); id != "" && !taken[id] {
			taken[id] = true
			name = join(at, id)
		}
		if isNull(entry) {
			d.add(d.where(entry), name, "is empty; remove it")
			continue
		}
		if !d.plain(entry, name, yaml.MappingNode, "keys and their values, indented below it") {
			continue
		}
		setDefaults(item)
		whole := d.profile(entry, item, name)
		d.section(entry, item, name)
		if whole {
			d.missing(item, name)
		}
		v.Set(reflect.Append(v, item))
		d.elements[at] = append(d.elements[at], element{name, whole})
	}
}

// profile lays a bank's shipped profile down, below the operator's entry. It
// tells whether that went well; without its profile, an entry lacks too much
// for further checks to be of use.
func (d decoder) profile(entry *yaml.Node, v reflect.Value, at string) bool {
	named := get(entry, "profile")
	if v.Type() != bankType || named == nil || named.Kind != yaml.ScalarNode || isNull(named) {
		return true
	}
	t, ok := profileTree(named.Value, d.report)
	if !ok {
		d.add(d.where(named), at+".profile", "no such profile; shipped are %s%s",
			oneOf(Profiles()), didYouMean(named.Value, Profiles()))
		return false
	}
	t.decode(v, at, d.report)
	return true
}

// secretFile reads a secret from the file that its setting names; several, one
// from each line.
func (d decoder) secretFile(n *yaml.Node, v reflect.Value, at, fileSetting string) {
	if !d.plain(n, fileSetting, yaml.ScalarNode, "the path of a file") {
		return
	}
	d.note(at, n)
	text, err := readSecret(n.Value)
	if err != nil {
		d.add(d.where(n), fileSetting, "%s", err)
		return
	}
	if v.Type() == secretType {
		v.SetString(text)
		return
	}
	v.SetZero()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			v.Set(reflect.Append(v, reflect.ValueOf(Secret(line))))
		}
	}
}

// text sets one scalar. Problems say what is wanted, never what was found.
func (d decoder) text(n *yaml.Node, v reflect.Value, f field, at string) {
	switch {
	case slices.Contains(f.later, n.Value):
		d.add(d.where(n), at, "%s is not supported yet; supported: %s", n.Value, oneOf(f.values))
	case n.Value == "" && f.def == "":
		v.SetZero()
	case f.values != nil && !slices.Contains(f.values, n.Value):
		d.add(d.where(n), at, "want %s", oneOf(f.values))
	default:
		if want := setText(v, n.Value); want != "" {
			d.add(d.where(n), at, "want %s", want)
		}
	}
}

// plain tells whether a node has the wanted kind and none of YAML's extras.
// Anchors and tags are refused because they swallow the beginning of an
// unquoted value: a password &x y would silently become y.
func (d decoder) plain(n *yaml.Node, at string, kind yaml.Kind, want string) bool {
	custom := n.Style&yaml.TaggedStyle != 0 || strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "", custom:
		d.add(d.where(n), at, "begins with *, & or !, which mean something in YAML; put the value into quotes")
		return false
	case n.Kind != kind && !isNull(n):
		d.add(d.where(n), at, "want %s", want)
		return false
	}
	return true
}

// note records who set a setting.
func (d decoder) note(at string, n *yaml.Node) {
	if at != "" {
		d.origins[at] = d.where(n)
	}
}

// missing reports the settings of a section that must be given and are not.
func (r *report) missing(v reflect.Value, at string) {
	for _, f := range fieldsOf(v.Type()) {
		name := join(at, f.key)
		if f.shape == shapeSection {
			r.missing(v.Field(f.index), name)
		}
		if f.need == "" || !empty(v.Field(f.index)) || r.has(name) {
			continue
		}
		r.bad(name, "missing; %s", f.need)
	}
}

func empty(v reflect.Value) bool {
	if k := v.Kind(); k == reflect.Slice || k == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}

// has tells whether a setting was reported already.
func (r *report) has(setting string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool {
		return p.Setting == setting || strings.HasPrefix(p.Setting, setting+"[")
	})
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}
