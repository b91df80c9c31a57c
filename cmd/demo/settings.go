package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/sandbox"
)

//go:embed demo.yaml
var demoConfig []byte

// settings are what the command line says, and what tests put around.
type settings struct {
	addr, consentdAddr, bankAddr, staffAddr string
	accessTTL                               time.Duration
	rotation                                sandbox.Rotation
	verbose                                 bool
	own                                     string // host:port of the reader's payment service; empty: none

	// around wraps the handler of one part: a test listens there.
	around func(part string, h http.Handler) http.Handler

	environ []string // settings of consentd that come before demo.yaml's: a test has a slower machine
}

const defaultAddr = "localhost:8080"

func parse(args []string, out io.Writer) (settings, error) {
	s := settings{rotation: sandbox.Strict(), around: func(_ string, h http.Handler) http.Handler { return h }}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&s.addr, "addr", "", "`host:port` of the page to open (default "+defaultAddr+", or a free port when it is taken)")
	flags.StringVar(&s.consentdAddr, "consentd-addr", "localhost:0", "`host:port` of consentd")
	flags.StringVar(&s.bankAddr, "bank-addr", "localhost:0", "`host:port` of the sandbox bank")
	flags.StringVar(&s.staffAddr, "staff-addr", "localhost:0", "`host:port` of the support desk")
	flags.DurationVar(&s.accessTTL, "access-ttl", time.Minute, "life of an access token")
	flags.Func("rotation", "of refresh tokens: none, grace:`30s` or strict (default strict)", func(v string) (err error) {
		s.rotation, err = sandbox.ParseRotation(v)
		return err
	})
	flags.StringVar(&s.own, "app", "", "`host:port` of a payment service of your own, which gets a key and may use this consentd")
	flags.BoolVar(&s.verbose, "verbose", false, "log everything, not only what somebody should look at")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.accessTTL < leastAccessTTL {
		return settings{}, fmt.Errorf("-access-ttl: at least %s, or no token would live long enough to be handed out", leastAccessTTL)
	}
	return s, nil
}

// leastAccessTTL is twice consentd's min_ttl_leeway.
const leastAccessTTL = 20 * time.Second

// secrets are made at every start and known to nobody else.
type secrets struct {
	apiKey      string // Fika Pay's at consentd
	bankKey     string // Fika Pay's at the payments API
	bankSecret  string // consentd's at the authorization server
	redis       string
	staffSecret string // the support desk's at the company's identity provider
	own         own
}

func newSecrets() secrets {
	return secrets{apiKey: "ck_" + rand.Text() + rand.Text(), bankKey: rand.Text(), bankSecret: rand.Text() + rand.Text(), redis: rand.Text(), staffSecret: rand.Text() + rand.Text(), own: newOwn()}
}

// places are the addresses of the parts.
type places struct{ shop, consentd, bank, redis, desk, company string }

// configuration goes through the same checks as an operator's.
func configuration(s settings, at places, keys secrets) (config.Config, error) {
	file, err := os.CreateTemp("", "consentd-demo-*.yaml")
	if err != nil {
		return config.Config{}, err
	}
	text, environ := demoConfig, slices.Clone(s.environ)
	if s.own != "" {
		text, environ = append(bytes.Clone(text), ownApp...), append(environ, keys.own.environ(s.own)...)
	}
	_, failed := file.Write(text)
	if err := errors.Join(failed, file.Close()); err != nil {
		return config.Config{}, errors.Join(err, os.Remove(file.Name()))
	}
	hash := sha256.Sum256([]byte(keys.apiKey))
	c, err := config.Load(file.Name(), append(environ,
		"CONSENTD_PUBLIC_URL="+at.consentd,
		"CONSENTD_REDIS_ADDRESSES="+at.redis,
		"CONSENTD_REDIS_PASSWORD="+keys.redis,
		"CONSENTD_STAFF_PUBLIC_URL="+at.desk,
		"CONSENTD_STAFF_ISSUER="+at.company,
		"CONSENTD_STAFF_CLIENT_SECRET="+keys.staffSecret,
		"CONSENTD_BANKS_SANDBOX_ISSUER="+at.bank,
		"CONSENTD_BANKS_SANDBOX_CLIENT_SECRET="+keys.bankSecret,
		"CONSENTD_BANKS_SANDBOX_ROTATION="+s.rotation.String(),
		"CONSENTD_APPS_FIKA_PAY_KEY_HASHES="+hex.EncodeToString(hash[:]),
		"CONSENTD_APPS_FIKA_PAY_RETURN_URLS_DONE="+at.shop+"/bank/done",
	))
	return c, errors.Join(err, os.Remove(file.Name()))
}
