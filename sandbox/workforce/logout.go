package workforce

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// logoutEvent is what a logout token is about.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// toldWithin bounds how long a browser waits for the client to be told.
const toldWithin = 5 * time.Second

// LogoutToken signs that somebody has signed out. Claims in change take the
// place of its own, and one that is nil is left out: a relying party must
// refuse what is wrong then.
func (p *Provider) LogoutToken(kind, subject, session string, change map[string]any) (string, error) {
	now := p.cfg.Now()
	c := map[string]any{"iss": p.cfg.Issuer, "aud": p.cfg.ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"jti": rand.Text(), "events": map[string]any{logoutEvent: struct{}{}}}
	if subject != "" {
		c["sub"] = subject
	}
	if session != "" {
		c["sid"] = session
	}
	for name, value := range change {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return sign(p.key, jose.ContentType(kind), body)
}

// LastSession is the sid of the session that was begun last.
func (p *Provider) LastSession() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// tellClient tells the client that a session is over, once.
func (p *Provider) tellClient(ctx context.Context, s session) {
	if p.cfg.BackChannel == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toldWithin)
	defer cancel()
	if err := p.post(ctx, s); err != nil {
		p.cfg.Log.Warn("client not told of a logout", slog.Any("error", err))
	}
}

func (p *Provider) post(ctx context.Context, s session) error {
	signed, err := p.LogoutToken("logout+jwt", s.subject, s.id, nil)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.BackChannel, strings.NewReader(url.Values{"logout_token": {signed}}.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.cfg.Client.RoundTrip(r)
	if err != nil {
		return err
	}
	p.cfg.Log.Info("client told of a logout", slog.Int("status", res.StatusCode))
	return res.Body.Close()
}
