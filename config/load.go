package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// Most bytes of a configuration, and of a file that holds one secret.
const (
	maxFile   = 1 << 20
	maxSecret = 64 << 10
)

// issuerMark stands for the issuer in a discovery_url.
const issuerMark = "{issuer}"

var (
	idForm  = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	keyForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// Load reads the file at path, lays the environment over it (environ has the
// form of [os.Environ]) and checks the result. Without a path the environment
// alone counts. Problems name the file as path does.
//
// Everything wrong is reported at once, in an [*Error]; the Config is then
// empty.
func Load(path string, environ []string) (Config, error) {
	r := newReport(cmp.Or(path, "environment"))
	data, err := readConfig(path)
	if err != nil {
		r.add(path, "", "%s", err)
		return Config{}, r.err()
	}
	t := parseTree(r.file, data, r)
	if len(r.problems) > 0 {
		return Config{}, r.err() // without structure the rest would be guesswork
	}
	t.overlay(environ, r)
	c := Config{origins: r.origins}
	v := reflect.ValueOf(&c).Elem()
	setDefaults(v)
	t.decode(v, "", r)
	r.missing(v, "")
	c.settle()
	r.check(c)
	if err := r.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// settle fills in what follows from other settings.
func (c *Config) settle() {
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	for i := range c.Banks {
		b := &c.Banks[i]
		if b.ID == "" {
			b.ID = b.Profile
		}
		b.DiscoveryURL = strings.ReplaceAll(b.DiscoveryURL, issuerMark, strings.TrimSuffix(b.Issuer, "/"))
	}
}

func readConfig(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return readFile(path, maxFile)
}

// readSecret reads a mounted secret. Editors and Docker end the file with a
// newline, which is not part of it.
func readSecret(path string) (string, error) {
	data, err := readFile(path, maxSecret)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", errors.New("the file is empty; it should hold the secret and nothing else")
	}
	return text, nil
}

// readFile reads a regular file. Devices and pipes could be endless or block.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileProblem(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fileProblem(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileProblem(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %d KiB", limit>>10)
	}
	return data, nil
}

// fileProblem puts a file's error into words without its path, for a secret
// may stand where its path belongs.
func fileProblem(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file; check the path")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("may not be read by this user; change its owner or mode")
	}
	return errors.New("cannot be read")
}
