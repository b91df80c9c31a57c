package web_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web"
)

const transfers = "/Payments/Initiations/v1/CreditTransfers"

const order = `{"EndToEndIdentification":"case0","DebtorAccount":{"OwnerId":"0401809999","Id":"013826040180"},
	"DepositAccount":{"OwnerId":"0101809999","Id":"013826010180"},"Amount":{"Currency":"ISK","Amount":10},"ExtendedReference":"ref"}`

// door is the way to the bank's API, which sees every call and can answer in
// its place.
type door struct {
	bank   http.RoundTripper
	seen   []*http.Request
	bodies []string

	mu     sync.Mutex
	answer func(*http.Request) (*http.Response, error)
}

func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/Payments") || strings.HasPrefix(r.URL.Path, "/odd") {
		d.seen = append(d.seen, r)
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		d.bodies = append(d.bodies, string(body))
		d.mu.Lock()
		answer := d.answer
		d.mu.Unlock()
		if answer != nil {
			return answer(r)
		}
	}
	return d.bank.RoundTrip(r)
}

// through is a world whose app may pay through us.
func through(t *testing.T, calls ...string) (*world, string, *door) {
	t.Helper()
	d := &door{}
	if calls == nil {
		calls = []string{"POST " + transfers, "GET " + transfers + "/*", "GET " + transfers + "/*/Status"}
	}
	w, _, id := granted(t, func(s *settings) {
		s.bankDoor = func(r http.RoundTripper) http.RoundTripper { d.bank = r; return d }
		s.operations, s.calls = web.Operations, calls
	})
	return w, id, d
}

// bank calls the bank through us.
func (w *world) callBank(id, method, path, body string, header ...string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+"/v1/consents/"+id+"/bank"+path, strings.NewReader(body))
	w.check(err)
	r.Header.Set("Authorization", "Bearer "+w.key.Reveal())
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return w.send(http.DefaultClient, r)
}

func TestEgressPays(t *testing.T) {
	t.Parallel()
	w, id, d := through(t)
	paid := w.callBank(id, "POST", transfers, order, "X-Request-ID", "case0", "Content-Type", "application/json",
		"Cookie", "c=canary", "apikey", "canary", "X-Forwarded-For", "canary", "X-HTTP-Method-Override", "DELETE", "Connection", "X-Hop", "X-Hop", "canary", "PSU-IP-Address", "192.0.2.1")
	if paid.status != http.StatusCreated || paid.header.Get("Consentd-Answer") != "bank" || paid.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("POST = %d %v %s", paid.status, paid.header, paid.text)
	}
	status := w.callBank(id, "GET", paid.header.Get("Location")+"Status", "")
	if status.status != http.StatusOK || status.header.Get("Content-Type") != "application/json" {
		t.Errorf("GET Status = %d %s", status.status, status.text)
	}
	w.callBank(id, "GET", paid.header.Get("Location"), "")
	sent := d.seen[0]
	if d.bodies[0] != order || sent.Host != "bank.test" || sent.Header.Get("apikey") != "apikey" || sent.Header.Get("X-Request-Id") != "case0" ||
		sent.Header.Get("Psu-Ip-Address") != "192.0.2.1" || sent.GetBody != nil {
		t.Errorf("the bank got %v", sent.Header)
	}
	for name, values := range sent.Header {
		if strings.Contains(strings.Join(values, " "), "canary") || strings.Contains(strings.Join(values, " "), w.key.Reveal()) || name == "X-Http-Method-Override" {
			t.Errorf("the bank got %s", name)
		}
	}
	if got := d.seen[1].Header.Get("X-Request-Id"); len(got) != 32 {
		t.Errorf("a call without a request id went on with %q", got)
	}
	records, err := w.store.HandOuts(t.Context(), consent.ID(id).Partition(), 10)
	w.check(err)
	if len(records) != 3 || records[2].Outcome != consent.OutcomeAllowed || records[2].RequestID != "case0" {
		t.Errorf("on record: %+v", records)
	}
}

func TestEgressTellsTheBanksRefusalFromOurs(t *testing.T) {
	t.Parallel()
	w, id, _ := through(t)
	body := strings.Replace(order, "0401809999", "0202809999", 1)
	theirs := w.callBank(id, "POST", transfers, body, "X-Request-ID", "case1")
	if theirs.status != 401 || theirs.str("code") != "ERR_80102_110" || theirs.header.Get("Consentd-Answer") != "bank" {
		t.Errorf("the bank's refusal = %d %s", theirs.status, theirs.text)
	}
	ours := w.call("ck_wrong", "GET", "/v1/consents/"+id+"/bank"+transfers+"/x", nil)
	ours.wants(t, 401, "unauthorized")
	if ours.header.Get("Consentd-Answer") != "" {
		t.Error("our refusal says that it is the bank's")
	}
	if got := w.status(id); got != "valid" {
		t.Errorf("after the bank's 401 the consent is %s", got)
	}
}

func TestEgressRefusesBeforeItCosts(t *testing.T) {
	t.Parallel()
	w, id, d := through(t)
	for name, test := range map[string]struct {
		method, path string
		header       []string
		status       int
		code         string
		where        []string
	}{
		"no request id":     {"POST", transfers, nil, 422, "invalid-request", []string{"X-Request-ID"}},
		"a UUID":            {"POST", transfers, []string{"X-Request-ID", "7d4f3c9a-0d3b-4f55-9f0e-3a1f5b1c2d3e"}, 422, "invalid-request", []string{"X-Request-ID"}},
		"too long an id":    {"POST", transfers, []string{"X-Request-ID", strings.Repeat("a", 36)}, 422, "invalid-request", []string{"X-Request-ID"}},
		"two ids":           {"POST", transfers, []string{"X-Request-ID", "a", "X-Request-ID", "b"}, 422, "invalid-request", []string{"X-Request-ID"}},
		"a bad id, reading": {"GET", transfers + "/x", []string{"X-Request-ID", "a-b"}, 422, "invalid-request", []string{"X-Request-ID"}},
		"another key":       {"POST", transfers, []string{"X-Request-ID", "a", "Idempotency-Key", "a"}, 422, "invalid-request", []string{"Idempotency-Key"}},
		"another path":      {"GET", "/Payments", nil, 403, "operation-not-allowed", nil},
		"another method":    {"DELETE", transfers + "/x", nil, 403, "operation-not-allowed", nil},
		"a segment more":    {"GET", transfers + "/x/Status/y", nil, 403, "operation-not-allowed", nil},
		"dots":              {"GET", transfers + "/../Secrets", nil, 422, "invalid-request", []string{"path"}},
		"escaped dots":      {"GET", transfers + "/%2e%2e/Secrets", nil, 422, "invalid-request", []string{"path"}},
		"escaped slash":     {"GET", transfers + "/x%2fStatus", nil, 422, "invalid-request", []string{"path"}},
		"backslash":         {"GET", transfers + "/x%5cStatus", nil, 422, "invalid-request", []string{"path"}},
		"an empty segment":  {"GET", transfers + "//x", nil, 422, "invalid-request", []string{"path"}},
		"a parameter":       {"GET", transfers + "/x;y", nil, 422, "invalid-request", []string{"path"}},
		"no path":           {"GET", "/", nil, 422, "invalid-request", []string{"path"}},
	} {
		r := w.callBank(id, test.method, test.path, "", test.header...)
		if r.status != test.status || r.str("code") != test.code || !slices.Equal(r.pointers(), test.where) {
			t.Errorf("%s = %d %s", name, r.status, r.text)
		}
	}
	w.callBank(id, "POST", transfers, strings.Repeat("a", 1<<20+1), "X-Request-ID", "a").wants(t, 413, "too-large")
	w.callBank(unknownConsent, "GET", transfers+"/x", "").wants(t, 404, "not-found")
	if len(d.seen) != 0 {
		t.Errorf("%d calls reached the bank", len(d.seen))
	}
}

func TestEgressIsNotForEveryApp(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.callBank(id, "GET", transfers+"/x", "").wants(t, 403, "operation-not-allowed")
}

func TestEgressLimitsStreams(t *testing.T) {
	t.Parallel()
	w, id, d := through(t, "GET /odd/**", "POST /odd/*")
	answer := func(length int64, body io.Reader) {
		d.mu.Lock()
		d.answer = func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: length, Body: io.NopCloser(body), Header: http.Header{"Set-Cookie": {"a=b"}, "X-Kept": {"1"}}}, nil
		}
		d.mu.Unlock()
	}
	most := strings.Repeat("a", 10<<20)
	answer(-1, strings.NewReader(most))
	if r := w.callBank(id, "GET", "/odd/a/b", ""); len(r.text) != len(most) || r.header.Get("Set-Cookie") != "" || r.header.Get("X-Kept") != "1" {
		t.Errorf("%d bytes came with %v", len(r.text), r.header)
	}
	answer(10<<20+1, strings.NewReader(""))
	w.callBank(id, "GET", "/odd/a", "").wants(t, 502, "bank-answer-too-large")
	for name, body := range map[string]io.Reader{"too large": strings.NewReader(most + "a"), "torn": io.MultiReader(strings.NewReader("a"), broken{})} {
		answer(-1, body)
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/v1/consents/"+id+"/bank/odd/a", nil)
		w.check(err)
		r.Header.Set("Authorization", "Bearer "+w.key.Reveal())
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: an answer ends as if it were whole", name)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/consents/"+id+"/bank/odd/a", io.MultiReader(strings.NewReader(most)))
	w.check(err)
	r.Header.Set("Authorization", "Bearer "+w.key.Reveal())
	r.Header.Set("X-Request-ID", "a")
	w.send(http.DefaultClient, r).wants(t, 413, "too-large")
}

// hasty is a bank's door that answers although the call is too large.
type hasty struct{ bank http.RoundTripper }

func (h hasty) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/odd") {
		return h.bank.RoundTrip(r)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 401, Body: http.NoBody, Header: http.Header{}}, nil
}

func TestEgressPassesOnWhatTheBankSaidToTooMuch(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t, func(s *settings) {
		s.bankDoor = func(r http.RoundTripper) http.RoundTripper { return hasty{r} }
		s.operations, s.calls = web.Operations, []string{"POST /odd/*"}
	})
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/consents/"+id+"/bank/odd/a", io.MultiReader(strings.NewReader(strings.Repeat("a", 2<<20))))
	w.check(err)
	r.Header.Set("Authorization", "Bearer "+w.key.Reveal())
	r.Header.Set("X-Request-ID", "a")
	if got := w.send(http.DefaultClient, r); got.status != 401 || got.header.Get("Consentd-Answer") != "bank" {
		t.Errorf("the bank's 401 came as %d %v", got.status, got.header)
	}
}

func TestEgressKeepsTheBanksConnectionToItself(t *testing.T) {
	t.Parallel()
	w, id, d := through(t, "GET /odd/*", "HEAD /odd/*")
	own := http.Header{"Connection": {"close, x-hop"}, "X-Hop": {"1"}, "Alt-Svc": {`h3=":1"`}, "Clear-Site-Data": {`"*"`}, "Access-Control-Allow-Origin": {"*"}, "Etag": {"1"}}
	d.mu.Lock()
	d.answer = func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: 20 << 20, Body: http.NoBody, Header: own.Clone()}, nil
	}
	d.mu.Unlock()
	r := w.callBank(id, "HEAD", "/odd/a", "")
	if r.status != 200 || r.header.Get("Etag") != "1" {
		t.Errorf("HEAD of what is large = %d %v", r.status, r.header)
	}
	for _, name := range []string{"X-Hop", "Alt-Svc", "Clear-Site-Data", "Access-Control-Allow-Origin"} {
		if got := r.header.Get(name); got != "" {
			t.Errorf("%s: %s came along", name, got)
		}
	}
	if id := r.header.Get("X-Request-Id"); d.seen[0].Header.Get("X-Request-Id") != id {
		t.Errorf("the bank knows the call as %q, the app as %q", d.seen[0].Header.Get("X-Request-Id"), id)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("torn") }

func TestEgressSaysWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	w, id, d := through(t)
	d.mu.Lock()
	d.answer = func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset, canary") }
	d.mu.Unlock()
	r := w.callBank(id, "POST", transfers, order, "X-Request-ID", "case2")
	r.wants(t, 504, "bank-call-unknown")
	if len(d.seen) != 1 || strings.Contains(w.log.String(), "canary,") {
		t.Errorf("%d calls were made", len(d.seen))
	}
}

func TestNewRefusesCallsThatNobodyCanMake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	public := *mustParse(t, "https://consentd.test")
	for _, call := range []string{"", "GET", "/a", "FETCH /a", "GET a", "GET /a/../b", "GET /**/a", "GET /pay*", "GET /x**", "GET /***", "GET /a b", "GET /%2e"} {
		if _, err := web.New(web.Config{Service: w.service, Sessions: w.sessions, PublicURL: &public, Apps: []web.AppKeys{{Calls: []string{call}}}}); err == nil || !strings.Contains(err.Error(), "is not a method and a path") {
			t.Errorf("%q: New = %v", call, err)
		}
	}
}
