package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestCanary plays a story with every kind of secret in it, and then looks
// for each of them wherever it must not be.
func TestCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	p.press("Pay 10 ISK").press("End the access token").press("Pay 10 ISK").sees("Paid")
	p.open(w.at.shop).press("Disturb the bank’s next refresh").press("Pay 10 ISK").sees("does not answer")
	p.open(w.at.shop).press("Renew now").press("Continue to Sandbox Bank")
	p.press("Sign in", "username", jon, "password", "hunter2-canary").press("Give access").follow("Continue to Fika Pay")
	w.settle()
	p.follow("Inbox").follow("/m/").sees("Works until").follow("Stop access").sees("will no longer work").follow("Keep access")
	p.press("Renew access").throughBank(gudrun).sees("somebody else")
	other := w.signedIn(anna).press("Connect your bank", "expect", "1").throughBank(gudrun).sees("somebody else").press("Try again")
	other.throughBank(anna).follow("Continue to Fika Pay").press("Pay 10 ISK").sees("daily")
	w.bank.Withdraw(anna, "")
	other.press("End the access token").press("Pay 10 ISK").sees("Access was withdrawn")
	p.open(w.at.consentd + "/c/nothing")
	desk := w.person().open(w.at.desk).press("Sign in with your company account").press("Dagný").sees("Find")
	for _, c := range []string{jon, anna} {
		desk.open(w.at.desk).press("Find", "what", c, "by", "app:fika-pay").press("Customer called").sees("What to do", "looked at this")
	}
	desk.open(w.at.desk + "/overview").open(w.at.desk + "/desk").open(w.at.desk + "/audit").sees("find by customer reference")
	desk.press("Export as NDJSON")

	secrets := w.secrets()
	w.sought(secrets, "Redis", w.inRedis(), nil)
	w.sought(secrets, "the log", map[string]string{"log": w.log.String()}, nil)
	w.sought(secrets, "consentd’s pages", w.pagesOf(partConsentd), nil)
	w.sought(secrets, "the support desk’s pages", w.pagesOf(partDesk), nil)
	// Fika Pay knows its customers; the inbox is theirs.
	w.sought(secrets, "Fika Pay’s pages", w.pagesOf(partShop), []string{"kennitala", "e-mail", "name", "mail link"})
	w.sought(secrets, "an address", w.addresses(), []string{"code", "completion code", "link", "mail link", "state", "nonce"})
}

// secrets are the texts that were secret in the story, by kind.
func (w *world) secrets() map[string][]string {
	w.t.Helper()
	found := map[string][]string{
		"API key": {w.keys.apiKey}, "apikey": {w.keys.bankKey}, "client secret": {w.keys.bankSecret}, "Redis password": {w.keys.redis}, "staff client secret": {w.keys.staffSecret},
		"password": {"hunter2-canary"},
	}
	for _, c := range customers(w.bank.Users()) {
		found["kennitala"] = append(found["kennitala"], c.NationalID)
		found["e-mail"] = append(found["e-mail"], c.Email)
		found["name"] = append(found["name"], c.Name)
	}
	for _, x := range w.ear.everything() {
		for kind, text := range secretsIn(w.t, x) {
			if text != "" && !slices.Contains(found[kind], text) {
				found[kind] = append(found[kind], text)
			}
		}
	}
	for kind, least := range map[string]int{
		"access token": 4, "refresh token": 4, "ID token": 4, "code": 3, "verifier": 3, "state": 4, "nonce": 4,
		"link": 4, "mail link": 1, "completion code": 1, "browser": 2, "fikapay_session": 2, "sandboxbank_session": 2, "staff": 2, "workforce_session": 1,
	} {
		if len(found[kind]) < least {
			w.t.Errorf("the story held %d of the kind %q, want at least %d: the canary is blind", len(found[kind]), kind, least)
		}
	}
	return found
}

// secretsIn are the secrets of one request and its answer.
func secretsIn(t testing.TB, x heard) map[string]string {
	found := make(map[string]string)
	u, err := url.Parse(x.uri)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range (&http.Response{Header: x.answer}).Cookies() {
		found[c.Name] = c.Value
	}
	form, _ := url.ParseQuery(x.sent) // what is no form has none of these
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
		Page    string `json:"page_url"`
		Renewal string `json:"renewal_url"`
	}
	_ = json.Unmarshal([]byte(x.got), &answer) // what is no JSON has none of these
	switch {
	case x.part == partBank && u.Path == "/as/token.oauth2":
		found["code"], found["verifier"] = form.Get("code"), form.Get("code_verifier")
		found["access token"], found["refresh token"], found["ID token"] = answer.Access, answer.Refresh, answer.ID
	case x.part == partBank && u.Path == "/as/authorization.oauth2":
		found["state"], found["nonce"] = u.Query().Get("state"), u.Query().Get("nonce")
	case x.part == partCompany && u.Path == "/token":
		found["code"], found["verifier"] = form.Get("code"), form.Get("code_verifier")
		found["access token"], found["ID token"] = answer.Access, answer.ID
	case x.part == partCompany && u.Path == "/authorize" && x.method == http.MethodGet:
		found["state"], found["nonce"] = u.Query().Get("state"), u.Query().Get("nonce")
	case x.part == partShop && u.Path == "/inbox":
		if m := mailLink.FindStringSubmatch(x.got); m != nil {
			found["mail link"] = m[1]
		}
	case x.part == partShop && u.Path == "/bank/done":
		found["completion code"] = u.Query().Get("code")
	case x.part == partConsentd && strings.HasSuffix(u.Path, "/retry"):
		found["link"] = lastPart(x.answer.Get("Location"))
	case x.part == partConsentd && strings.HasPrefix(u.Path, "/v1/"):
		found["link"] = lastPart(answer.Page + answer.Renewal)
	}
	return found
}

var mailLink = regexp.MustCompile(`/m/([\w-]+)"`)

func lastPart(address string) string { return address[strings.LastIndex(address, "/")+1:] }

// sought fails the test for every secret that is in one of the texts, apart
// from kinds that may be there. It does not print the secret.
func (w *world) sought(secrets map[string][]string, where string, texts map[string]string, allowed []string) {
	w.t.Helper()
	if len(texts) == 0 {
		w.t.Errorf("there is nothing in %s: the canary is blind", where)
	}
	for kind, all := range secrets {
		if slices.Contains(allowed, kind) {
			continue
		}
		for _, secret := range all {
			for place, text := range texts {
				if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
					w.t.Errorf("%s holds a secret in clear: %s, at %s", where, kind, bare(place))
				}
			}
		}
	}
}

// bare keeps the secrets of an address out of the test's own words.
func bare(place string) string {
	if at := strings.LastIndex(place, "/"); at >= 0 {
		return place[:at] + "/…"
	}
	return place
}

// pagesOf are the bodies and headers that browsers got from a part, without
// the headers that carry secrets on purpose.
func (w *world) pagesOf(part string) map[string]string {
	texts := make(map[string]string)
	for _, x := range w.ear.everything() {
		if x.part == part && !strings.HasPrefix(x.uri, "/v1/") {
			path, _, _ := strings.Cut(x.uri, "?")
			texts[x.method+" "+path] += x.got
		}
	}
	return texts
}

// addresses are those that were asked for: they stay in histories and in the
// logs of proxies.
func (w *world) addresses() map[string]string {
	texts := make(map[string]string)
	for _, x := range w.ear.everything() {
		path, _, _ := strings.Cut(x.uri, "?")
		texts[x.part+" "+x.method+" "+path] += x.uri + "\n"
	}
	return texts
}

// inRedis is everything that Redis holds, as it would be dumped.
func (w *world) inRedis() map[string]string {
	w.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: w.at.redis, Password: w.keys.redis})
	defer c.Close()
	ctx := w.t.Context()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		w.t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, key := range keys {
		var value any
		switch kind := c.Type(ctx, key).Val(); kind {
		case "string":
			value, err = c.Get(ctx, key).Result()
		case "hash":
			value, err = c.HGetAll(ctx, key).Result()
		case "set":
			value, err = c.SMembers(ctx, key).Result()
		case "zset":
			value, err = c.ZRange(ctx, key, 0, -1).Result()
		case "list":
			value, err = c.LRange(ctx, key, 0, -1).Result()
		case "stream":
			value, err = c.XRange(ctx, key, "-", "+").Result()
		default:
			w.t.Fatalf("Redis holds a %q, which the canary does not know", kind)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		texts[key] = plain(key, value)
	}
	return texts
}

// plain writes a value so that a secret in it stays as it is.
func plain(key string, value any) string {
	parts := []string{key}
	switch v := value.(type) {
	case string:
		parts = append(parts, v)
	case []string:
		parts = append(parts, v...)
	case map[string]string:
		for name, text := range v {
			parts = append(parts, name, text)
		}
	case []redis.XMessage:
		for _, m := range v {
			for name, text := range m.Values {
				parts = append(parts, name, text.(string))
			}
		}
	}
	return strings.Join(parts, "\n")
}
