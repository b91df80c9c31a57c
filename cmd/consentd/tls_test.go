package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert = &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	made := a.sign(a.cert)
	a.cert, a.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

func (a *authority) sign(c *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	a.last++
	c.SerialNumber, c.Subject = big.NewInt(a.last), pkix.Name{CommonName: "test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), signer)
	must(a.t, err)
	leaf, err := x509.ParseCertificate(der)
	must(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) client(name string) tls.Certificate {
	return a.sign(&x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

// put writes a certificate and its key where the configuration wants them.
func put(t *testing.T, dir string, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	must(t, err)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: key}} {
		must(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
}

func TestAppsAreKnownByTheirCertificates(t *testing.T) {
	t.Parallel()
	ca, dir := newAuthority(t), t.TempDir()
	local := func() tls.Certificate {
		return ca.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	}
	put(t, dir, local())
	must(t, os.WriteFile(filepath.Join(dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600))
	s := newSite(t, redistest.Start(t))
	text, err := os.ReadFile(s.config)
	must(t, err)
	changed := strings.Replace(string(text), "    name: Shop\n", "    name: Shop\n    certificates: [shop.internal]\n", 1) +
		"listen_tls: {cert_file: '" + dir + "/cert.pem', key_file: '" + dir + "/key.pem', client_ca_file: '" + dir + "/ca.pem'}\n"
	must(t, os.WriteFile(s.config, []byte(changed), 0o600))
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	p := s.assemble()
	go func() { served <- p.Serve(ctx, assembly.Listeners{Public: s.public, Admin: admin}, 10*time.Second) }()
	defer func() {
		stop()
		must(t, <-served)
	}()

	me := func(certificate *tls.Certificate, header ...string) (int, string, []byte) {
		roots := x509.NewCertPool()
		roots.AddCert(ca.cert)
		c := &tls.Config{RootCAs: roots}
		if certificate != nil {
			c.Certificates = []tls.Certificate{*certificate}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+s.public.Addr().String()+"/v1/me", nil)
		must(t, err)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := client.Do(r)
		if err != nil {
			return 0, "", nil
		}
		defer res.Body.Close()
		var body struct {
			Credential struct{ Kind, ID string } `json:"credential"`
		}
		must(t, json.NewDecoder(res.Body).Decode(&body))
		return res.StatusCode, body.Credential.Kind + " " + body.Credential.ID, res.TLS.PeerCertificates[0].Raw
	}
	shop, other, foreign := ca.client("shop.internal"), ca.client("other.internal"), newAuthority(t).client("shop.internal")
	if status, who, _ := me(&shop); status != 200 || who != "certificate shop.internal" {
		t.Errorf("the app's certificate: %d %s", status, who)
	}
	if status, _, _ := me(&other); status != 401 {
		t.Errorf("another certificate: %d", status)
	}
	if status, _, _ := me(&foreign); status == 200 {
		t.Errorf("a certificate of another authority: %d", status)
	}
	if status, _, _ := me(nil, "X-Forwarded-Client-Cert", "DNS=shop.internal", "X-SSL-Client-Verify", "SUCCESS"); status != 401 {
		t.Errorf("a header in a certificate's place: %d", status)
	}
	status, who, before := me(&other, "Authorization", "Bearer "+s.key.Reveal())
	if status != 200 || !strings.HasPrefix(who, "api_key ") {
		t.Errorf("a key beside a certificate: %d %s", status, who)
	}
	put(t, dir, local())
	later := time.Now().Add(time.Minute)
	must(t, os.Chtimes(filepath.Join(dir, "cert.pem"), later, later))
	if _, _, after := me(&shop); string(after) == string(before) {
		t.Error("a renewed certificate does not count")
	}
	must(t, os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("half written"), 0o600))
	if status, _, _ := me(&shop); status != 200 {
		t.Errorf("a broken file stops the service: %d", status)
	}
}
