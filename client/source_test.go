package client_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

// tokensAsked is how often a token of id was asked for.
func tokensAsked(s *clienttest.Server, id string) int {
	return s.Count("POST", "/v1/consents/"+id+"/token")
}

// lifetime asks a source every second until it does not reuse its token any more.
func lifetime(t *testing.T, source *client.TokenSource, s *clienttest.Server, id string) time.Duration {
	t.Helper()
	start, asked := time.Now(), tokensAsked(s, id)
	for {
		if _, err := source.Token(); err != nil || tokensAsked(s, id) > asked+1 {
			return time.Since(start)
		}
		time.Sleep(time.Second) // of the bubble
	}
}

func TestSourceReusesForAWhile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		o           client.SourceOptions
		least, most time.Duration
	}{
		{"by default for a minute", client.SourceOptions{}, 54 * time.Second, 61 * time.Second},
		{"not at all", client.SourceOptions{LongestReuse: -1}, time.Second, time.Second},
		{"as long as it is told", client.SourceOptions{LongestReuse: 2 * time.Minute}, 108 * time.Second, 121 * time.Second},
		// A token lives 300 s; the margin is 30 s, and up to 30 s more.
		{"never to the token's end", client.SourceOptions{LongestReuse: time.Hour}, 239 * time.Second, 271 * time.Second},
		{"while it lives as long as is needed", client.SourceOptions{LongestReuse: time.Hour, Request: client.TokenRequest{MinTTL: 200 * time.Second}}, 99 * time.Second, 101 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := clienttest.New()
				id := s.Grant(asked)
				got := lifetime(t, s.Client().TokenSource(id, test.o), s, id)
				if got < test.least || got > test.most {
					t.Errorf("reused for %v, want %v to %v", got, test.least, test.most)
				}
			})
		})
	}
}

func TestSourceStopsAtTheConsentsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New()
		id := s.Grant(asked)
		s.Advance(clienttest.ConsentLife - 20*time.Second)
		source := s.Client().TokenSource(id, client.SourceOptions{LongestReuse: time.Hour})
		token, err := source.Token()
		must(t, err)
		if left := time.Until(token.Expiry); left > 20*time.Second || left < 18*time.Second {
			t.Errorf("Expiry is in %v, want at the consent's end in 20s", left)
		}
		for range 20 {
			if _, err := source.Token(); err != nil {
				t.Fatal("no token before the consent's end")
			}
			time.Sleep(time.Second)
		}
		_, err = source.Token()
		wants(t, err, client.ErrConsentExpired)
	})
}

// TestSourceTakesTheEarlierOfBothEnds: a bank's token may outlive the consent.
func TestSourceTakesTheEarlierOfBothEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := configured(t, clienttest.New(), through(func(r *http.Request) (*http.Response, error) {
			calls++
			return respond(r, 200, "application/json", `{"access_token":"a","token_type":"Bearer","expires_in":3600,
				"expires_at":"2030-01-01T01:00:00Z","consent":{"id":"x","ends_at":"2030-01-01T00:00:40Z"}}`), nil
		}))
		source := c.TokenSource("x", client.SourceOptions{LongestReuse: time.Hour})
		token, err := source.Token()
		must(t, err)
		if left := time.Until(token.Expiry); left != 40*time.Second { // by consentd's clock, not by ours
			t.Errorf("Expiry is in %v, want 40s", left)
		}
		time.Sleep(40 * time.Second)
		_, err = source.Token()
		if must(t, err); calls != 2 {
			t.Error("reused after the consent's end")
		}
	})
}

// TestOthersKeepATokenNoLonger: oauth2.NewClient wraps every source so.
func TestOthersKeepATokenNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New()
		id := s.Grant(asked)
		source := oauth2.ReuseTokenSource(nil, s.Client().TokenSource(id, client.SourceOptions{}))
		_, err := source.Token()
		must(t, err)
		s.Revoke(id)
		time.Sleep(time.Minute)
		_, err = source.Token()
		wants(t, err, client.ErrRevoked)
	})
}

func TestSourcePassesErrorsThroughAndKeepsNone(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	id := s.Grant(asked)
	source := s.Client().TokenSource(id, client.SourceOptions{})
	s.Advance(clienttest.TokenLife)
	s.BankDown(true)
	_, err := source.Token()
	wants(t, err, client.ErrBankUnavailable, client.ErrUnavailable)
	s.BankDown(false)
	_, err = source.Token()
	must(t, err)
	s.Revoke(id)
	if _, err = source.Token(); err != nil {
		t.Errorf("within the time of reuse: %v", err)
	}
	source.Forget()
	_, err = source.Token()
	wants(t, err, client.ErrRevoked)
}

func TestCallersShareOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New()
		id := s.Grant(asked)
		c := configured(t, s, through(func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(10 * time.Second):
				return s.RoundTrip(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}))
		source := c.TokenSource(id, client.SourceOptions{})
		var group sync.WaitGroup
		var got, gaveUp atomic.Int32
		for i := range 50 {
			group.Go(func() {
				ctx := t.Context()
				if i%2 == 0 { // the first among them
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Second)
					defer cancel()
				}
				token, err := source.TokenContext(ctx)
				switch {
				case err == nil && token.AccessToken == "token-1":
					got.Add(1)
				case ctx.Err() != nil:
					gaveUp.Add(1)
				default:
					t.Errorf("TokenContext = %v", err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		if n := tokensAsked(s, id); n != 1 || got.Load() != 25 || gaveUp.Load() != 25 {
			t.Errorf("%d calls; %d got a token and %d gave up, want 1, 25 and 25", n, got.Load(), gaveUp.Load())
		}
	})
}

// TestForgetDoesNotJoinACallFromBefore: what was asked before the consent was
// stopped must not come back after it.
func TestForgetDoesNotJoinACallFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New()
		id := s.Grant(asked)
		c := configured(t, s, through(func(r *http.Request) (*http.Response, error) {
			res, err := s.RoundTrip(r)
			time.Sleep(10 * time.Second) // the answer takes its time
			return res, err
		}))
		source := c.TokenSource(id, client.SourceOptions{})
		go func() { _, _ = source.Token() }()
		synctest.Wait()
		s.Revoke(id)
		source.Forget()
		for range 2 {
			_, err := source.Token()
			wants(t, err, client.ErrRevoked)
			time.Sleep(time.Minute / 4)
		}
	})
}

func TestSourceTellsWhoGranted(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	id := s.Grant(asked)
	source := s.Client().TokenSource(id, client.SourceOptions{})
	token, err := source.Token()
	must(t, err)
	handed, err := source.HandedOut(t.Context())
	must(t, err)
	if handed.Access.Reveal() != token.AccessToken || handed.NationalID != asked.ExpectedNationalID || tokensAsked(s, id) != 1 {
		t.Errorf("HandedOut = %+v after %d calls", handed, tokensAsked(s, id))
	}
}
