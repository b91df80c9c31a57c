package assembly

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/token"
)

const redisTimeout = 2 * time.Second

// redisOptions says how to reach Redis: one server, Sentinel, or Cluster.
func redisOptions(c config.Redis) (*redis.UniversalOptions, error) {
	o := redisstore.Safe(&redis.UniversalOptions{
		Addrs: c.Addresses, Username: c.Username, Password: c.Password.Reveal(), DB: c.Database,
		MasterName: c.SentinelMaster, SentinelUsername: c.SentinelUser, SentinelPassword: c.SentinelPass.Reveal(),
		IsClusterMode: c.Mode() == config.RedisCluster,
		DialTimeout:   redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout,
	})
	if !c.TLS {
		return o, nil
	}
	o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName}
	if c.TLSCAFile == "" {
		return o, nil
	}
	raw, err := os.ReadFile(c.TLSCAFile)
	if err != nil {
		return nil, fmt.Errorf("redis.tls_ca_file: %w", err)
	}
	o.TLSConfig.RootCAs = x509.NewCertPool()
	if !o.TLSConfig.RootCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("redis.tls_ca_file: %s holds no certificate in PEM form", c.TLSCAFile)
	}
	return o, nil
}

// keyring reads the key file, which nobody else may be able to read.
func keyring(c config.Config, o Outside) (*token.Keyring, error) {
	if o.Keys != nil {
		return o.Keys, nil
	}
	f, err := os.Open(c.KeysFile)
	if err != nil {
		return nil, fmt.Errorf("keys_file: %w; make one with: consentd keys init %s", err, c.KeysFile)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("keys_file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("keys_file: %s has mode %04o, so that others can read the keys; run: chmod 600 %s",
			c.KeysFile, mode, c.KeysFile)
	}
	k, err := token.ReadKeyring(f)
	if missing, ok := errors.AsType[*token.MissingKeysetsError](err); ok && missing.Completable() {
		return nil, fmt.Errorf("keys_file %s: %w; a version before this one made it: add what is missing with: consentd keys complete %s",
			c.KeysFile, err, c.KeysFile)
	}
	if err != nil {
		return nil, fmt.Errorf("keys_file %s: %w", c.KeysFile, err)
	}
	return k, nil
}
