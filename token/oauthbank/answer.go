package oauthbank

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

// maxAccessTTL bounds what a bank may claim: no token is valid for ever.
const maxAccessTTL = 366 * 24 * time.Hour

// answer is a successful answer of the token endpoint (RFC 6749 section 5.1).
type answer struct {
	access, refresh token.Secret
	tokenType       string
	idToken         token.Secret
	asked           time.Time
	body            object
}

// requestToken makes the one request. An answer that fails a check comes
// with its fault, so that the tokens in it can be revoked.
func (b *Bank) requestToken(ctx context.Context, endpoint string, form url.Values) (*answer, error) {
	sent := []string{form.Get("code"), form.Get("refresh_token"), form.Get("code_verifier")}
	asked := b.cfg.Now()
	r, err := b.post(ctx, endpoint, form)
	if err != nil {
		return nil, err
	}
	body, code, shown := b.readError(r, sent)
	a := readTokens(body, asked)
	if code != "" && r.status == http.StatusOK && a.access != "" {
		// Error and tokens at once: neither can be believed.
		return a, &fault{err: token.ErrAnswerRejected, code: "error_with_token", status: r.status}
	}
	if err := b.refusal(r, code, shown, b.cfg.DeadCodes); err != nil {
		return nil, err
	}
	return a, b.checkTokens(a, r)
}

// readError finds the error code of an answer of any content type. shown is
// the word for it in errors.
func (b *Bank) readError(r reply, sent []string) (body object, code, shown string) {
	if r.torn {
		return object{}, "", "answer_cut_off"
	}
	if r.status/100 == 3 {
		return object{}, "", "redirect"
	}
	body, err := parseObject(r.body)
	if err != nil {
		return object{}, "", "no_json"
	}
	code, ok := body.text("error")
	switch {
	case !ok:
		return body, unreadable, "unreadable_code"
	case code == "":
		return body, "", "no_code"
	default:
		return body, code, shownCode(code, append(sent, b.cfg.ClientSecret.Reveal()))
	}
}

func readTokens(body object, asked time.Time) *answer {
	text := func(name string) string { value, _ := body.text(name); return value }
	return &answer{
		access:    token.Secret(text("access_token")),
		refresh:   token.Secret(text("refresh_token")),
		tokenType: text("token_type"),
		idToken:   token.Secret(text("id_token")),
		asked:     asked,
		body:      body,
	}
}

// checkTokens: a 200 without an access token tells nothing, so its outcome
// is unknown; tokens that must not be used are a rejected answer. An access
// token goes into a header, where spaces and control characters do harm; a
// refresh token only into forms, and RFC 6749 appendix A.17 allows it spaces.
func (b *Bank) checkTokens(a *answer, r reply) error {
	f := &fault{err: token.ErrAnswerRejected, status: r.status}
	for _, name := range []string{"access_token", "refresh_token", "token_type", "id_token"} {
		if _, ok := a.body.text(name); !ok {
			f.code = "bad_" + name
		}
	}
	switch {
	case f.code == "" && a.access == "":
		f.err, f.code = token.ErrOutcomeUnknown, "no_access_token"
		if r.torn {
			f.code = "answer_cut_off"
		}
	case f.code != "":
	case !within(a.access, '!', '~'):
		f.code = "bad_access_token"
	case !within(a.refresh, ' ', '~'):
		f.code = "bad_refresh_token"
	case !strings.EqualFold(a.tokenType, b.cfg.AcceptTokenType):
		f.code = "bad_token_type"
	default:
		return nil
	}
	return f
}

func within(s token.Secret, low, high byte) bool {
	text := s.Reveal()
	for i := range len(text) {
		if text[i] < low || text[i] > high {
			return false
		}
	}
	return true
}

func (b *Bank) grant(a *answer, asked []string) token.Grant {
	return token.Grant{
		Access:       a.access,
		TokenType:    a.tokenType,
		AccessExpiry: a.asked.Add(b.accessTTL(a)).UTC(),
		Refresh:      a.refresh,
		Scopes:       b.scopes(a, asked),
		IssuedAt:     a.asked.UTC(),
		End:          b.grantEnd(a),
	}
}

func (b *Bank) accessTTL(a *answer) time.Duration {
	seconds, ok := a.body.number("expires_in")
	if !ok || seconds <= 0 {
		return b.cfg.DefaultAccessTTL
	}
	return time.Duration(min(seconds, maxAccessTTL.Seconds()) * float64(time.Second))
}

// scopes are those granted, of those asked for: more than that is not
// offered to anybody. A bank that does not say granted all (RFC 6749 section
// 5.1).
func (b *Bank) scopes(a *answer, asked []string) []string {
	stated, ok := a.body.texts("scope")
	given := strings.Fields(strings.Join(stated, " "))
	if !ok || len(given) == 0 {
		return slices.Clone(asked)
	}
	granted := make([]string, 0, len(given))
	surplus := 0
	for _, scope := range given {
		switch {
		case !slices.Contains(asked, scope):
			surplus++
		case !slices.Contains(granted, scope):
			granted = append(granted, scope)
		}
	}
	if surplus > 0 {
		b.log.Info("bank granted scopes that were not asked for", "count", surplus)
	}
	return granted
}

// grantEnd takes no number below 2001 for Unix seconds: that is a duration,
// of which nobody knows when it started.
func (b *Bank) grantEnd(a *answer) time.Time {
	name := b.cfg.GrantEndField
	if name == "" || !a.body.has(name) {
		return time.Time{}
	}
	if end, ok := a.body.instant(name); ok && end.Unix() >= 1e9 && end.Unix() < 1e11 {
		return end
	}
	if text, ok := a.body.text(name); ok {
		if end, err := time.Parse(time.RFC3339, text); err == nil {
			return end.UTC()
		}
	}
	b.log.Warn("end of the grant is unreadable", "member", name)
	return time.Time{}
}
