package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ledger is the bank's book of codes, grants and tokens. What it says decides;
// a signature alone opens nothing.
//
// A refresh token is grant id, generation and a MAC over both. So the ledger
// knows every token that it ever gave without keeping any: a genuine one whose
// generation is no longer live has been used before.
type ledger struct {
	life     time.Duration
	rotation Rotation
	macKey   []byte

	mu        sync.Mutex
	codes     shelf[*code]
	grants    shelf[*grant]
	access    shelf[accessToken]
	refreshes int
}

// grant is what a customer approved for a client. Only generation and live
// change, under the ledger's lock.
type grant struct {
	id         string
	user       User
	clientID   string
	scopes     []string
	authTime   time.Time
	approved   time.Time
	ends       time.Time
	generation int
	live       map[int]time.Time // usable generations; a time: only until then
}

// accessToken is what the ledger knows of a token that it finds by its hash.
type accessToken struct {
	grantID string
	scopes  []string
	issued  time.Time
	expires time.Time
}

// open reads the settings and makes the secret that refresh tokens rest on.
func (l *ledger) open(cfg Config) {
	l.life, l.rotation = cfg.GrantLife, cfg.Rotation
	l.macKey = make([]byte, sha256.Size)
	_, _ = rand.Read(l.macKey) // never fails: crypto/rand ends the program instead
}

// enter starts the grant that c stands for, counted from the approval.
func (l *ledger) enter(c *code, now time.Time) *grant {
	g := &grant{
		id: rand.Text(), user: c.user, clientID: c.clientID, scopes: c.scopes,
		authTime: c.authTime, approved: c.approved, ends: c.approved.Add(l.life),
		live: map[int]time.Time{0: {}},
	}
	l.grants.put(g.id, g, g.ends, now)
	return g
}

// refresh honours a refresh token once and returns its grant, the scopes of
// the access token to give, and the refresh token that replaces the old one,
// or "" where that stays.
func (l *ledger) refresh(clientID, token string, wanted []string, now time.Time) (*grant, []string, string, *oauthError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, generation, ok := l.genuine(token, now)
	if !ok || g.clientID != clientID {
		return nil, nil, "", refuse("invalid_grant", "refresh token is unknown, expired or revoked")
	}
	until, live := g.live[generation]
	if !live || !until.IsZero() && now.After(until) {
		l.grants.remove(g.id)
		return nil, nil, "", refuse("invalid_grant", "refresh token was used before; the grant has ended")
	}
	scopes := g.scopes
	if len(wanted) > 0 {
		if !subset(wanted, scopes) {
			return nil, nil, "", refuse("invalid_scope", "scope is wider than the grant")
		}
		scopes = wanted
	}
	l.refreshes++
	return g, scopes, l.rotate(g, generation, now), nil
}

// rotate retires the generation that was just used and returns the token of
// the next one.
func (l *ledger) rotate(g *grant, used int, now time.Time) string {
	if !l.rotation.rotates {
		return ""
	}
	for generation, until := range g.live {
		if !until.IsZero() && now.After(until) {
			delete(g.live, generation)
		}
	}
	switch {
	case l.rotation.grace == 0:
		delete(g.live, used)
	case g.live[used].IsZero():
		// The grace runs from the first use, however often the token comes back.
		g.live[used] = now.Add(l.rotation.grace)
	}
	g.generation++
	g.live[g.generation] = time.Time{}
	return l.refreshToken(g.id, g.generation)
}

// record notes an access token that is about to be handed out.
func (l *ledger) record(token string, t accessToken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.access.put(fingerprint(token), t, t.expires, t.issued)
}

// byAccess finds a live access token and its live grant.
func (l *ledger) byAccess(token string, now time.Time) (accessToken, *grant, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.access.get(fingerprint(token), now)
	if !ok {
		return accessToken{}, nil, false
	}
	g, ok := l.grants.get(t.grantID, now)
	return t, g, ok
}

// byRefresh finds the live grant of a refresh token, and says whether the
// token itself could still be used.
func (l *ledger) byRefresh(token string, now time.Time) (g *grant, usable, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, generation, ok := l.genuine(token, now)
	if !ok {
		return nil, false, false
	}
	until, live := g.live[generation]
	return g, live && (until.IsZero() || !now.After(until)), true
}

// end forgets a grant, and with it every token that it gave.
func (l *ledger) end(grantID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.grants.remove(grantID)
}

func (l *ledger) withdraw(userName, clientID string, now time.Time) (ended int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.grants.all(now) {
		if g.user.UserName == userName && (clientID == "" || g.clientID == clientID) {
			l.grants.remove(g.id)
			ended++
		}
	}
	return ended
}

// of returns a customer's live grants, newest first.
func (l *ledger) of(userName string, now time.Time) []*grant {
	l.mu.Lock()
	defer l.mu.Unlock()
	grants := slices.DeleteFunc(l.grants.all(now), func(g *grant) bool { return g.user.UserName != userName })
	slices.SortFunc(grants, func(a, b *grant) int {
		if c := b.approved.Compare(a.approved); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return grants
}

func (l *ledger) refreshed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refreshes
}

func (l *ledger) refreshToken(grantID string, generation int) string {
	name := fmt.Sprintf("%s.%d", grantID, generation)
	return name + "." + l.mac(name)
}

// genuine opens a refresh token that this ledger wrote for a live grant.
func (l *ledger) genuine(token string, now time.Time) (*grant, int, bool) {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || !hmac.Equal([]byte(token[dot+1:]), []byte(l.mac(token[:dot]))) {
		return nil, 0, false
	}
	id, number, _ := strings.Cut(token[:dot], ".")
	generation, err := strconv.Atoi(number)
	if err != nil {
		return nil, 0, false
	}
	g, ok := l.grants.get(id, now)
	return g, generation, ok
}

func (l *ledger) mac(name string) string {
	h := hmac.New(sha256.New, l.macKey)
	h.Write([]byte(name))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return string(sum[:])
}

func subset(some, of []string) bool {
	for _, s := range some {
		if !slices.Contains(of, s) {
			return false
		}
	}
	return true
}
