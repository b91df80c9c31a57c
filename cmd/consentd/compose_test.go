package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.yaml.in/yaml/v4"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent/redisstore"
)

// There is no container engine where these tests run: the files are read, and
// what can be run of them without one is.

const top = "../../"

// compose is what the tests look at of docker-compose.yml.
type compose struct {
	Services map[string]struct {
		Build struct {
			Context    string `yaml:"context"`
			Dockerfile string `yaml:"dockerfile"`
			Target     string `yaml:"target"`
		} `yaml:"build"`
		Image       string            `yaml:"image"`
		Command     []string          `yaml:"command"`
		Environment map[string]string `yaml:"environment"`
		Secrets     []string          `yaml:"secrets"`
		Ports       []string          `yaml:"ports"`
		Volumes     []string          `yaml:"volumes"`
		ReadOnly    bool              `yaml:"read_only"`
		CapDrop     []string          `yaml:"cap_drop"`
		Grace       string            `yaml:"stop_grace_period"`
	} `yaml:"services"`
	Volumes map[string]any               `yaml:"volumes"`
	Secrets map[string]map[string]string `yaml:"secrets"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	must(t, yaml.Load([]byte(read(t, "docker-compose.yml")), &c))
	return c
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(top + path)
	must(t, err)
	return string(text)
}

// secretFiles makes the secrets of the compose file and returns what replaces
// their place in a container.
func (c compose) secretFiles(t *testing.T, service string) *strings.Replacer {
	t.Helper()
	dir := t.TempDir()
	consentd(t, nil, "", "keys", "init", filepath.Join(dir, "keys")).says(t, exitOK)
	must(t, os.WriteFile(filepath.Join(dir, "redis_password"), []byte("0123456789abcdef\n"), 0o600))
	for _, name := range c.Services[service].Secrets {
		if c.Secrets[name]["file"] == "" {
			t.Errorf("service %s: the secret %s is not a file", service, name)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("service %s: nobody knows what the secret %s is", service, name)
		}
	}
	return strings.NewReplacer("/run/secrets/", dir+"/", "$$", "$")
}

var interpolated = regexp.MustCompile(`\$\{\w+:\?[^}]*\}`)

// TestComposeSettingsAreGood loads what the container would.
func TestComposeSettingsAreGood(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	here := c.secretFiles(t, "consentd")
	var environ []string
	for name, value := range c.Services["consentd"].Environment {
		value = interpolated.ReplaceAllString(value, strings.Repeat("ab", 32))
		environ = append(environ, name+"="+here.Replace(value))
	}
	consentd(t, environ, "", "config", "check", "--files").says(t, exitOK)
	settings, err := config.Load("", environ)
	must(t, err)
	if got := settings.Redis.Password.Reveal(); got != "0123456789abcdef" {
		t.Error("the password of Redis does not arrive")
	}
	if grace, err := time.ParseDuration(c.Services["consentd"].Grace); err != nil || grace <= settings.ShutdownTimeout {
		t.Errorf("stop_grace_period %q must be longer than shutdown_timeout %s", c.Services["consentd"].Grace, settings.ShutdownTimeout)
	}
	if want := []string{"127.0.0.1" + settings.Listen + settings.Listen, "127.0.0.1" + settings.Staff.Listen + settings.Staff.Listen}; !slices.Equal(c.Services["consentd"].Ports, want) {
		t.Errorf("ports = %v, want %v", c.Services["consentd"].Ports, want)
	}
	if settings.PublicURL != "http://localhost"+settings.Listen {
		t.Errorf("public_url = %s, which is not the port that is published", settings.PublicURL)
	}
	if settings.Staff.PublicURL != "http://staff.localhost"+settings.Staff.Listen {
		t.Errorf("staff.public_url = %s, which is not the port that is published", settings.Staff.PublicURL)
	}
	bank, _ := settings.Bank("sandbox")
	args := c.Services["sandboxbank"].Command
	for _, want := range []string{
		"-issuer=" + bank.Issuer,
		"-client=" + bank.ClientID + ":" + bank.ClientSecret.Reveal() + ":sandbox-apikey:" + settings.PublicURL + "/callback/sandbox",
		"-staff-issuer=" + settings.Staff.Issuer,
		"-staff-client=" + settings.Staff.ClientID + ":" + settings.Staff.ClientSecret.Reveal() + ":" + settings.Staff.PublicURL,
	} {
		if !slices.Contains(args, want) {
			t.Errorf("the sandbox bank is not told %s", want)
		}
	}
}

func TestComposeServicesAreConfined(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	pinned := regexp.MustCompile(`^[a-z/]+:\d+\.\d+\.\d+[\w.-]*$`)
	for name, s := range c.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("service %s may write or has capabilities", name)
		}
		if s.Image != "" && !pinned.MatchString(s.Image) {
			t.Errorf("service %s: image %s is not pinned", name, s.Image)
		}
		if s.Image == "" && (s.Build.Target != name || s.Build.Dockerfile != "cmd/consentd/Dockerfile") {
			t.Errorf("service %s is built from %s, target %s", name, s.Build.Dockerfile, s.Build.Target)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("service %s: port %s is open to the network", name, p)
			}
		}
	}
	_, named := c.Volumes["redis"]
	if v := c.Services["redis"].Volumes; !named || !slices.Equal(v, []string{"redis:/data"}) {
		t.Errorf("redis has volumes %v of %v", v, c.Volumes)
	}
}

// TestComposeRedisIsFit runs the command of the compose file, on a port and
// in a folder of its own.
func TestComposeRedisIsFit(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	command := c.Services["redis"].Command
	if len(command) != 3 || command[0] != "sh" || command[1] != "-c" {
		t.Fatalf("command = %q", command)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	must(t, l.Close())
	_, port, _ := net.SplitHostPort(addr)
	script := c.secretFiles(t, "redis").Replace(command[2])
	script = strings.Replace(script, "--dir /data", "--bind 127.0.0.1 --port "+port+" --dir "+t.TempDir(), 1)
	cmd := exec.Command("sh", "-c", script)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ready to accept connections") {
		continue
	}
	open := func(password string) *redisstore.Store {
		client := redis.NewUniversalClient(redisstore.Safe(&redis.UniversalOptions{Addrs: []string{addr}, Password: password}))
		t.Cleanup(func() { _ = client.Close() })
		store, err := redisstore.New(redisstore.Config{Client: client})
		must(t, err)
		return store
	}
	if risks, err := open("0123456789abcdef").Check(t.Context()); err != nil || len(risks) != 0 {
		t.Errorf("Check() = %v, %v, want a Redis without risks", risks, err)
	}
	if _, err := open("").Check(t.Context()); err == nil {
		t.Error("Redis answers without a password")
	}
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := read(t, "cmd/consentd/Dockerfile")
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	if version == nil || !strings.Contains(text, "FROM golang:"+version[1]+"-bookworm AS build\n") {
		t.Errorf("the image is not built with the Go of go.mod, %v", version)
	}
	stages := strings.Split(text, "\nFROM ")[1:]
	final := stages[len(stages)-1]
	for _, want := range []string{
		"scratch AS consentd\n", "\nUSER 65532:65532\n", "\nEXPOSE 8080\n", `CMD ["/consentd", "healthcheck"]`,
		"\nENTRYPOINT [\"/consentd\"]\n", "\nCMD [\"serve\"]\n",
	} {
		if !strings.Contains(final, want) {
			t.Errorf("the image that is built by default lacks %q", want)
		}
	}
	copied := regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text, -1)
	if len(copied) != 2 {
		t.Errorf("%d COPY lines from outside, want 2", len(copied))
	}
	for _, line := range copied {
		for path := range strings.FieldsSeq(line[1]) {
			if _, err := os.Stat(top + path); err != nil {
				t.Error(err)
			}
		}
	}
	for _, program := range regexp.MustCompile(`\./(cmd/\w+)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(top + program[1] + "/main.go"); err != nil {
			t.Error(err)
		}
	}
	consentd(t, nil, "", "healthcheck", "--help").says(t, exitOK)
}

// TestImageHasAllOfOurPackages: what the build needs is not ignored.
func TestImageHasAllOfOurPackages(t *testing.T) {
	t.Parallel()
	ignored := read(t, ".dockerignore")
	for _, root := range []string{"cmd/consentd", "cmd/sandboxbank"} {
		p := listed(t)[ours(root)]
		for _, path := range append(p.Deps, p.ImportPath) {
			dir, isOurs := strings.CutPrefix(path, module+"/")
			if folder, _, _ := strings.Cut(dir, "/"); isOurs && !strings.Contains(ignored, "\n!"+folder+"\n") {
				t.Errorf(".dockerignore keeps %s from the build", dir)
			}
		}
	}
}
