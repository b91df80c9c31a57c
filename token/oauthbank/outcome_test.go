package oauthbank_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

// outcomes are the answers of a token endpoint and what each proves.
var outcomes = []struct {
	name, contentType, body string
	status                  int
	want                    error
	code                    string
}{
	{"refusal", "application/json", `{"error":"invalid_grant"}`, 400, token.ErrRefused, "invalid_grant"},
	{"refusal as text", "text/plain", `{"error":"invalid_grant"}`, 400, token.ErrRefused, "invalid_grant"},
	{"refusal as html", "text/html; charset=utf-8", "\xef\xbb\xbf" + ` {"error":"invalid_grant"}`, 400, token.ErrRefused, "invalid_grant"},
	{"refusal with 401", "application/json", `{"error":"invalid_grant"}`, 401, token.ErrRefused, "invalid_grant"},
	{"refusal with 403", "application/json", `{"error":"invalid_grant"}`, 403, token.ErrRefused, "invalid_grant"},
	{"refusal with 200", "application/json", `{"error":"invalid_grant"}`, 200, token.ErrRefused, "invalid_grant"},
	{"refusal repeated", "application/json", `{"error":"invalid_grant","error":"invalid_grant"}`, 400, token.ErrRefused, "invalid_grant"},
	{"refusal contradicted", "application/json", `{"error":"invalid_grant","error":"server_error"}`, 400, token.ErrOutcomeUnknown, "unreadable_code"},
	{"refusal in capitals", "application/json", `{"error":"INVALID_GRANT"}`, 400, token.ErrNotDone, "INVALID_GRANT"},
	{"refusal in another member", "application/json", `{"Error":"invalid_grant"}`, 400, token.ErrOutcomeUnknown, "no_code"},
	{"refusal with 500", "application/json", `{"error":"invalid_grant"}`, 500, token.ErrOutcomeUnknown, "invalid_grant"},
	{"refusal with 302", "application/json", `{"error":"invalid_grant"}`, 302, token.ErrOutcomeUnknown, "redirect"},
	{"client unknown", "application/json", `{"error":"invalid_client"}`, 401, token.ErrMisconfigured, "invalid_client"},
	{"client unknown with 400", "application/json", `{"error":"invalid_client"}`, 400, token.ErrMisconfigured, "invalid_client"},
	{"client unauthorized", "application/json", `{"error":"unauthorized_client"}`, 400, token.ErrMisconfigured, "unauthorized_client"},
	{"request invalid", "application/json", `{"error":"invalid_request"}`, 400, token.ErrMisconfigured, "invalid_request"},
	{"grant type unsupported", "application/json", `{"error":"unsupported_grant_type"}`, 400, token.ErrMisconfigured, "unsupported_grant_type"},
	{"scope invalid", "application/json", `{"error":"invalid_scope"}`, 400, token.ErrMisconfigured, "invalid_scope"},
	{"401 bare", "text/html", "<h1>Unauthorized</h1>", 401, token.ErrMisconfigured, "no_json"},
	{"401 with odd error", "application/json", `{"error":"go_away"}`, 401, token.ErrMisconfigured, "go_away"},
	{"unknown refusal", "application/json", `{"error":"consent_required"}`, 400, token.ErrNotDone, "consent_required"},
	{"unknown refusal with 200", "application/json", `{"error":"consent_required"}`, 200, token.ErrOutcomeUnknown, "consent_required"},
	{"error is an object", "application/json", `{"error":{"code":400}}`, 400, token.ErrOutcomeUnknown, "unreadable_code"},
	{"error is an object with 200", "application/json", `{"error":{"code":400}}`, 200, token.ErrOutcomeUnknown, "unreadable_code"},
	{"temporarily unavailable", "application/json", `{"error":"temporarily_unavailable"}`, 400, token.ErrNotDone, "temporarily_unavailable"},
	{"server error with 400", "application/json", `{"error":"server_error"}`, 400, token.ErrOutcomeUnknown, "server_error"},
	{"too many requests", "application/json", `{"error":"invalid_grant"}`, 429, token.ErrNotDone, "invalid_grant"},
	{"too many requests as html", "text/html", "<h1>slow down</h1>", 429, token.ErrNotDone, "no_json"},
	{"misdirected", "text/plain", "", 421, token.ErrNotDone, "no_json"},
	{"too early", "text/plain", "", 425, token.ErrNotDone, "no_json"},
	{"request time-out", "text/plain", "", 408, token.ErrOutcomeUnknown, "no_json"},
	{"forbidden by a firewall", "text/html", "<h1>blocked</h1>", 403, token.ErrOutcomeUnknown, "no_json"},
	{"path gone", "text/html", "<h1>not found</h1>", 404, token.ErrOutcomeUnknown, "no_json"},
	{"internal error", "text/html", "<h1>oops</h1>", 500, token.ErrOutcomeUnknown, "no_json"},
	{"bad gateway", "text/html", "", 502, token.ErrOutcomeUnknown, "no_json"},
	{"unavailable", "application/json", `{"error":"temporarily_unavailable"}`, 503, token.ErrOutcomeUnknown, "temporarily_unavailable"},
	{"gateway time-out", "text/html", "", 504, token.ErrOutcomeUnknown, "no_json"},
	{"moved", "text/html", "", 307, token.ErrOutcomeUnknown, "redirect"},
	{"created", "application/json", `{"access_token":"a","token_type":"Bearer"}`, 201, token.ErrOutcomeUnknown, "no_code"},
	{"no content", "application/json", "", 204, token.ErrOutcomeUnknown, "no_json"},
	{"html with 200", "text/html", "<h1>maintenance</h1>", 200, token.ErrOutcomeUnknown, "no_access_token"},
	{"empty with 200", "application/json", "", 200, token.ErrOutcomeUnknown, "no_access_token"},
	{"list with 200", "application/json", "[]", 200, token.ErrOutcomeUnknown, "no_access_token"},
	{"cut off with 200", "application/json", `{"access_token":"a","token_ty`, 200, token.ErrOutcomeUnknown, "no_access_token"},
	{"token missing", "application/json", `{"token_type":"Bearer"}`, 200, token.ErrOutcomeUnknown, "no_access_token"},
	{"token null", "application/json", `{"access_token":null,"token_type":"Bearer"}`, 200, token.ErrOutcomeUnknown, "no_access_token"},
	{"too long", "application/json", `{"x":"` + strings.Repeat("x", 3<<20) + `"}`, 200, token.ErrOutcomeUnknown, "answer_cut_off"},
	{"too long a refusal", "application/json", `{"error":"invalid_grant","x":"` + strings.Repeat("x", 3<<20) + `"}`, 400, token.ErrOutcomeUnknown, "answer_cut_off"},
}

func TestOutcomeOfEachAnswer(t *testing.T) {
	for _, c := range outcomes {
		t.Run(c.name, func(t *testing.T) {
			op := newOP()
			op.reply("/token", c.status, c.contentType, c.body, "Location", "https://bank.example/elsewhere")
			b := op.bank(t)
			_, err := refresh(t, b)
			wantFault(t, err, c.want, c.code)
			_, _, err = redeem(t, b)
			wantFault(t, err, c.want, c.code)
			if be, ok := errors.AsType[*token.BankError](err); ok && be.Status != c.status {
				t.Errorf("status = %d, want %d", be.Status, c.status)
			}
			if n := len(op.seen("/token")); n != 2 {
				t.Errorf("token requests = %d, want one for each call", n)
			}
			if len(op.seen("/elsewhere")) != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

func TestOutcomeOfErrorAndTokenAtOnce(t *testing.T) {
	op := newOP()
	op.reply("/token", 200, "application/json", `{"error":"invalid_grant","access_token":"a","token_type":"Bearer"}`)
	_, err := refresh(t, op.bank(t))
	wantDropped(t, op, err, "error_with_token")
}

func TestOutcomeDeadCodesAreConfigured(t *testing.T) {
	for code, want := range map[string]error{
		"ERR_REFRESH_EXPIRED": token.ErrRefused,
		"invalid_request":     token.ErrRefused,
		"invalid_grant":       token.ErrNotDone,
	} {
		op := newOP()
		op.reply("/token", 400, "application/json", `{"error":"`+code+`"}`)
		_, err := refresh(t, op.bank(t, func(c *oauthbank.Config) {
			c.DeadCodes = []string{"ERR_REFRESH_EXPIRED", "invalid_request"}
		}))
		wantFault(t, err, want, code)
	}
}

func TestOutcomeRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inHalfAnHour := time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat)
		for _, c := range []struct {
			header []string
			want   time.Duration
		}{
			{nil, 0},
			{[]string{"Retry-After", "120"}, 2 * time.Minute},
			{[]string{"Retry-After", " 7 "}, 7 * time.Second},
			{[]string{"Retry-After", "-5"}, 0},
			{[]string{"Retry-After", "99999999"}, 24 * time.Hour},
			{[]string{"Retry-After", "99999999999999999999"}, 0},
			{[]string{"Retry-After", "soon"}, 0},
			{[]string{"Retry-After", inHalfAnHour}, 30 * time.Minute},
			{[]string{"Retry-After", "Fri, 31 Dec 1999 00:00:00 GMT"}, 0},
			{[]string{"Retry-After", "Wed, 01 Jan 2003 00:10:00 GMT", "Date", "Wed, 01 Jan 2003 00:00:00 GMT"}, 10 * time.Minute},
		} {
			for status, want := range map[int]error{429: token.ErrNotDone, 503: token.ErrOutcomeUnknown} {
				op := newOP()
				op.reply("/token", status, "text/plain", "", c.header...)
				_, err := refresh(t, op.bank(t))
				wantFault(t, err, want, "no_json")
				if be, ok := errors.AsType[*token.BankError](err); ok && be.RetryAfter != c.want {
					t.Errorf("%v: RetryAfter = %s, want %s", c.header, be.RetryAfter, c.want)
				}
			}
		}
	})
}

func TestOutcomeOfAForeignTransportsErrorIsUnknown(t *testing.T) {
	op := newOP()
	op.on("/token", func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	_, err := refresh(t, op.bank(t))
	wantFault(t, err, token.ErrOutcomeUnknown, "connection")
}

func TestOutcomeOfABodyThatBreaksOff(t *testing.T) {
	for status, want := range map[int]error{200: token.ErrOutcomeUnknown, 400: token.ErrOutcomeUnknown, 429: token.ErrNotDone} {
		op := newOP()
		op.on("/token", func(*http.Request) (*http.Response, error) {
			resp := textResponse(status, "application/json", "")
			resp.Body = io.NopCloser(io.MultiReader(
				strings.NewReader(`{"error":"invalid_grant"}`), failingReader{io.ErrUnexpectedEOF}))
			return resp, nil
		})
		_, err := refresh(t, op.bank(t))
		wantFault(t, err, want, "answer_cut_off")
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// slowReader gives a byte a second, as long as the request is wanted.
type slowReader struct {
	req  *http.Request
	text io.Reader
}

func (r slowReader) Read(p []byte) (int, error) {
	select {
	case <-r.req.Context().Done():
		return 0, r.req.Context().Err()
	case <-time.After(time.Second):
		return r.text.Read(p[:1])
	}
}

func TestOutcomeOfASlowBodyIsBoundedByTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on("/token", func(r *http.Request) (*http.Response, error) {
			resp := textResponse(200, "application/json", "")
			resp.Body = io.NopCloser(slowReader{r, strings.NewReader(strings.Repeat(" ", 1000))})
			return resp, nil
		})
		start := time.Now()
		_, err := refresh(t, op.bank(t))
		wantFault(t, err, token.ErrOutcomeUnknown, "answer_cut_off")
		if waited := time.Since(start); waited > 20*time.Second {
			t.Errorf("waited %s, want the deadline of 20 s", waited)
		}
	})
}

func TestOutcomeOfCompressedAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		body []byte
		want error
		code string
	}{
		{"fine", packed(`{"access_token":"a","token_type":"Bearer"}`), nil, ""},
		{"bomb", packed(strings.Repeat(" ", 32<<20)), token.ErrOutcomeUnknown, "answer_cut_off"},
		{"not gzip", []byte(`{"access_token":"a"}`), token.ErrOutcomeUnknown, "answer_cut_off"},
	} {
		op := newOP()
		op.reply("/token", 200, "application/json", string(c.body), "Content-Encoding", "gzip")
		_, err := refresh(t, op.bank(t))
		if c.want == nil {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		wantFault(t, err, c.want, c.code)
	}
}

func packed(text string) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return out.Bytes()
}
