package config

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const envPrefix = "CONSENTD_"

// ConfigVariable names the file to load. Load leaves it to its caller.
const ConfigVariable = envPrefix + "CONFIG"

// foreign are assignments with our prefix that are not ours to judge: tests
// have theirs, and Kubernetes makes some for a service that is called consentd.
var foreign = regexp.MustCompile(`^CONSENTD_(CONFIG=|TEST_|(\w+_)?SERVICE_(HOST|PORT)|(\w+_)?PORT(=\w+://|_\d+_(TCP|UDP|SCTP)))`)

// assignment is a variable that was understood.
type assignment struct {
	variable, value string
	path            []string // keys and list positions, from the root
}

// overlay lays the environment over the file. A variable is named for its
// setting; a list's element by its position or, better, by its id, which stays
// right when the list is sorted anew: CONSENTD_BANKS_LANDSBANKINN_CLIENT_SECRET.
// An empty variable counts as not set.
func (t *tree) overlay(environ []string, r *report) {
	var ours []string
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(variable, envPrefix) && value != "" && !foreign.MatchString(entry) {
			ours = append(ours, entry)
		}
	}
	rest := t.assignAll(ours, r)
	rest = t.assignAll(rest, r) // ids that the first round has set
	for _, entry := range rest {
		variable, _, _ := strings.Cut(entry, "=")
		r.add(variable, "", "no such setting%s", didYouMean(variable, variables(t.root)))
	}
}

// assignAll assigns the variables that name a setting, and returns the others.
func (t *tree) assignAll(entries []string, r *report) (rest []string) {
	var all []assignment
	for _, entry := range entries {
		variable, value, _ := strings.Cut(entry, "=")
		path, ok := resolve(reflect.TypeFor[Config](), t.root, variable[len(envPrefix):])
		if !ok {
			rest = append(rest, entry)
			continue
		}
		all = append(all, assignment{variable, value, path})
	}
	slices.SortStableFunc(all, func(a, b assignment) int {
		return slices.CompareFunc(a.path, b.path, compareSteps)
	})
	for _, a := range all {
		t.assign(t.root, reflect.TypeFor[Config](), a, a.path, r)
	}
	return rest
}

// compareSteps sorts list positions by number, so that lists grow in order.
func compareSteps(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// resolve finds the path of a variable's name. A key may hold underscores
// itself, so a name is matched against the keys rather than split.
func resolve(t reflect.Type, n *yaml.Node, name string) ([]string, bool) {
	for _, key := range keysOf(t) {
		rest, ok := strings.CutPrefix(name, envName(key))
		if !ok {
			continue
		}
		f, _, _ := lookup(t, key)
		if path, ok := resolveField(f, child(n, key), rest); ok {
			return append([]string{key}, path...), true
		}
	}
	return nil, false
}

// resolveField goes on behind the key of f: rest is empty or begins with "_".
func resolveField(f field, n *yaml.Node, rest string) ([]string, bool) {
	below, deeper := strings.CutPrefix(rest, "_")
	switch f.shape {
	case shapeText, shapeTexts:
		return nil, rest == ""
	case shapeMap:
		return []string{mapKey(n, below)}, deeper && below != ""
	case shapeSection:
		if deeper {
			return resolve(f.typ, n, below)
		}
	case shapeList:
		if deeper {
			return resolveElement(f.typ.Elem(), n, below)
		}
	}
	return nil, false
}

func resolveElement(t reflect.Type, list *yaml.Node, name string) ([]string, bool) {
	for i, element := range contents(list) {
		id := elementID(t, element)
		rest, ok := strings.CutPrefix(name, envName(id)+"_")
		if id == "" || !ok {
			continue
		}
		if path, ok := resolve(t, element, rest); ok {
			return append([]string{strconv.Itoa(i)}, path...), true
		}
	}
	number, rest, _ := strings.Cut(name, "_")
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i > 999 {
		return nil, false
	}
	var element *yaml.Node
	if i < len(contents(list)) {
		element = list.Content[i]
	}
	path, ok := resolve(t, element, rest)
	return append([]string{strconv.Itoa(i)}, path...), ok
}

// mapKey finds the key that a variable means: one that is there, or the name
// in lower case.
func mapKey(n *yaml.Node, name string) string {
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if envName(n.Content[i].Value) == name {
				return n.Content[i].Value
			}
		}
	}
	return strings.ToLower(name)
}

// assign walks down the path, making what is missing, and sets the value.
func (t *tree) assign(n *yaml.Node, typ reflect.Type, a assignment, path []string, r *report) {
	key := path[0]
	f, fromFile, known := lookup(typ, key)
	if n.Kind != yaml.MappingNode || !known {
		return // the decoder reports what stands there
	}
	t.replaceRival(n, typ, key)
	shape := f.shape
	if fromFile {
		shape = shapeText
	}
	switch shape {
	case shapeText:
		put(n, key, t.made(newScalar(a.value), a))
	case shapeTexts:
		put(n, key, t.list(a))
	case shapeMap:
		put(t.ensure(n, key, newMapping, a), path[1], t.made(newScalar(a.value), a))
	case shapeSection:
		t.assign(t.ensure(n, key, newMapping, a), f.typ, a, path[1:], r)
	case shapeList:
		list := t.ensure(n, key, newSequence, a)
		i, _ := strconv.Atoi(path[1])
		if i > len(list.Content) {
			r.add(a.variable, "", "there is no number %d in %s, which has %d; positions count from 0", i, key, len(list.Content))
			return
		}
		if i == len(list.Content) {
			list.Content = append(list.Content, t.made(newMapping(), a))
		}
		t.assign(list.Content[i], f.typ.Elem(), a, path[2:], r)
	}
}

// replaceRival removes what the file says in another form, as when a
// variable gives the file of a secret that the YAML spells out. Two variables
// that contradict each other are left for the decoder to report.
func (t *tree) replaceRival(n *yaml.Node, typ reflect.Type, key string) {
	other := rival(typ, key)
	if value := get(n, other); value != nil && !t.touched(value) {
		remove(n, other)
	}
}

// touched tells whether a variable made the node or something in it.
func (t *tree) touched(n *yaml.Node) bool {
	return t.vars[n] != "" || slices.ContainsFunc(n.Content, t.touched)
}

// ensure returns the mapping or list under a key, making it when missing.
func (t *tree) ensure(n *yaml.Node, key string, make func() *yaml.Node, a assignment) *yaml.Node {
	if value := get(n, key); value != nil && !isNull(value) {
		return value
	}
	value := t.made(make(), a)
	put(n, key, value)
	return value
}

func (t *tree) list(a assignment) *yaml.Node {
	list := t.made(newSequence(), a)
	for part := range strings.SplitSeq(a.value, ",") {
		list.Content = append(list.Content, t.made(newScalar(strings.TrimSpace(part)), a))
	}
	return list
}

func (t *tree) made(n *yaml.Node, a assignment) *yaml.Node {
	t.vars[n] = a.variable
	return n
}

// variables lists the names that a variable could have had.
func variables(root *yaml.Node) []string {
	var names []string
	for _, key := range keysOf(reflect.TypeFor[Config]()) {
		f, _, _ := lookup(reflect.TypeFor[Config](), key)
		names = append(names, variablesOf(f, child(root, key), envPrefix+envName(key))...)
	}
	return names
}

func variablesOf(f field, n *yaml.Node, name string) []string {
	var names []string
	below := func(t reflect.Type, prefix string) {
		for _, key := range keysOf(t) {
			inner, _, _ := lookup(t, key)
			names = append(names, variablesOf(inner, nil, prefix+"_"+envName(key))...)
		}
	}
	switch f.shape {
	case shapeSection:
		below(f.typ, name)
	case shapeList:
		for i, element := range contents(n) {
			below(f.typ.Elem(), name+"_"+strconv.Itoa(i))
			below(f.typ.Elem(), name+"_"+envName(elementID(f.typ.Elem(), element)))
		}
	default:
		names = append(names, name)
	}
	return names
}

func envName(key string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_", "[", "_", "]", "").Replace(key))
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	return get(n, key)
}

func contents(list *yaml.Node) []*yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}
