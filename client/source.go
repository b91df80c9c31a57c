package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// SourceOptions configure a [TokenSource].
type SourceOptions struct {
	Request TokenRequest

	// LongestReuse is how long a token may be used again without asking consentd.
	// Default 60 s, negative: never. It is the price of reuse: consentd hands
	// nothing out after the end of a consent, but an app that keeps a token goes
	// on using it for so long after the customer has said stop.
	LongestReuse time.Duration

	Timeout time.Duration    // of asking for a token, whoever waits for it; default 40 s
	Now     func() time.Time // default time.Now
}

const (
	defaultReuse  = time.Minute
	longestMargin = 30 * time.Second
)

// TokenSource gives access tokens of one consent, and keeps one in memory for
// a short while: until it has been used for [SourceOptions.LongestReuse],
// until shortly before its own end (a tenth of what it had left, at most 30 s,
// and up to as much again at random), or until the consent's end, whichever
// comes first. It never refreshes anything itself.
//
// Callers at the same time share one call of consentd; each may give up
// without the others noticing. Errors are those of [Client.Token], and are not
// kept. Use one source for a consent, from as many goroutines as you like.
//
// It prints without its token; an [oauth2.Token] does not, so log none.
type TokenSource struct {
	client  *Client
	consent string
	o       SourceOptions
	flight  singleflight.Group

	mu         sync.Mutex
	held       *held
	generation int // rises whenever a token is dropped, so that nobody joins a call from before
}

// held is a token that may be used again.
type held struct {
	token  oauth2.Token
	handed Token
	until  time.Time
}

var _ oauth2.TokenSource = (*TokenSource)(nil)

// TokenSource makes a source for a consent.
func (c *Client) TokenSource(consentID string, o SourceOptions) *TokenSource {
	o.LongestReuse, o.Timeout = orDefault(o.LongestReuse, defaultReuse), orDefault(o.Timeout, defaultTimeout)
	o.LongestReuse = max(o.LongestReuse, 0)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &TokenSource{client: c, consent: consentID, o: o}
}

// Token implements [oauth2.TokenSource]. Its Expiry is the earliest of the
// token's end, the consent's end and the end of reuse, so that whoever keeps a
// token until then, as oauth2.ReuseTokenSource and oauth2.NewClient do, keeps
// it no longer than this source would.
func (s *TokenSource) Token() (*oauth2.Token, error) { return s.TokenContext(context.Background()) }

// TokenContext is Token for a caller that may give up. A call of consentd that
// others wait for as well has the X-Request-ID of whoever came first.
func (s *TokenSource) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	got, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return &got.token, nil
}

// HandedOut is TokenContext for a caller who needs to know more: who granted,
// and until when. What it says was so when the token was handed out.
func (s *TokenSource) HandedOut(ctx context.Context) (Token, error) {
	got, err := s.current(ctx)
	return got.handed, err
}

// current is the token that is kept, or else a fresh one.
func (s *TokenSource) current(ctx context.Context) (held, error) {
	if err := ctx.Err(); err != nil {
		return held{}, err
	}
	kept, generation := s.kept()
	if kept != nil {
		return *kept, nil
	}
	fetched := s.flight.DoChan(strconv.Itoa(generation), func() (any, error) {
		if kept, now := s.kept(); kept != nil && now == generation {
			return *kept, nil // another flight has landed since
		}
		return s.fetch(ctx, generation)
	})
	select {
	case got := <-fetched:
		return got.Val.(held), got.Err
	case <-ctx.Done():
		return held{}, ctx.Err()
	}
}

// Forget drops the token that is kept: after you stopped the consent, or when
// a webhook says that it ended.
func (s *TokenSource) Forget() { s.forget("") }

// forget drops the token that is kept if it is this one; "" is any.
func (s *TokenSource) forget(access string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if access == "" || s.held == nil || s.held.token.AccessToken == access {
		s.held = nil
		s.generation++
	}
}

// kept is the token that may be used again, or nil.
func (s *TokenSource) kept() (*held, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil && !s.o.Now().Before(s.held.until) {
		s.held = nil
	}
	return s.held, s.generation
}

// fetch asks consentd, on a context that no caller can cancel.
func (s *TokenSource) fetch(ctx context.Context, generation int) (held, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
	defer cancel()
	asked := s.o.Now() // reuse counts from before the answer: what happened since is unknown to it
	got, err := s.client.Token(ctx, s.consent, s.o.Request)
	if err != nil {
		return held{}, err
	}
	fresh := s.keep(got, asked)
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation == s.generation && asked.Before(fresh.until) {
		s.held = &fresh
	}
	return fresh, nil
}

// keep works out how long a token may be used again. It reckons in what is
// left, so that a clock of this machine that is wrong does no harm.
func (s *TokenSource) keep(t Token, asked time.Time) held {
	left := time.Duration(t.ExpiresIn) * time.Second
	if !t.Consent.EndsAt.IsZero() {
		left = min(left, left+t.Consent.EndsAt.Sub(t.ExpiresAt))
	}
	margin := min(left/10, longestMargin)
	reuse := s.o.LongestReuse
	until := min(reuse-jitter(reuse/10), left-margin-jitter(margin), left-s.o.Request.MinTTL)
	return held{
		token: oauth2.Token{AccessToken: t.Access.Reveal(), TokenType: t.Type, Expiry: asked.Add(min(left, reuse))},
		until: asked.Add(until), handed: t,
	}
}

// Format keeps every fmt verb from printing the token.
func (s *TokenSource) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "tokens of %s", s.consent)
}

// LogValue names the consent.
func (s *TokenSource) LogValue() slog.Value { return slog.StringValue("tokens of " + s.consent) }

// MarshalJSON refuses: a source is nothing to write down.
func (s *TokenSource) MarshalJSON() ([]byte, error) {
	return nil, errors.New("client: a TokenSource does not marshal")
}
