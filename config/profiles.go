package config

import (
	"embed"
	"path"
	"slices"
	"strings"
)

// A profile is data: a file here, named for what an entry's profile says. It
// has the fields of a [Bank] and none that are the operator's own.
//
//go:embed profiles/*.yaml
var profileFiles embed.FS

//go:embed example.yaml
var example []byte

// Example returns a configuration file to start from. Its secrets come from
// the environment.
func Example() []byte { return append([]byte(nil), example...) }

// Profiles returns the names of the shipped bank profiles, sorted.
func Profiles() []string {
	entries, err := profileFiles.ReadDir("profiles")
	if err != nil {
		return nil // cannot be: the directory is compiled in
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

func profileTree(name string, r *report) (*tree, bool) {
	if !idForm.MatchString(name) {
		return nil, false
	}
	file := path.Join("profiles", name+".yaml")
	data, err := profileFiles.ReadFile(file)
	if err != nil {
		return nil, false
	}
	return parseTree(file, data, r), true
}
