package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"
)

// A code lives for codeLife. Its record stays for codeMemory, so that a code
// that comes back late is still recognised as used.
const (
	codeLife   = time.Minute
	codeMemory = 10 * time.Minute
)

// code is an approval on its way to the client.
type code struct {
	clientID    string
	redirectURI string
	challenge   string
	nonce       string
	user        User
	scopes      []string
	authTime    time.Time
	approved    time.Time
	spent       bool
	grantID     string
}

// writeCode keeps c and returns the code that stands for it.
func (l *ledger) writeCode(c *code, now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := rand.Text()
	l.codes.put(id, c, now.Add(codeMemory), now)
	return id
}

// redeem turns a code into a grant and its first refresh token. A code that
// comes back ends what it gave; one with a wrong verifier or redirect address
// is spent, because whoever sent it is not who asked for it.
func (l *ledger) redeem(clientID, id, redirectURI, verifier string, now time.Time) (*grant, *code, string, *oauthError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.codes.get(id, now)
	if !ok || c.clientID != clientID {
		return nil, nil, "", refuse("invalid_grant", "code is unknown or expired")
	}
	if c.spent {
		l.grants.remove(c.grantID)
		return nil, nil, "", refuse("invalid_grant", "code was used before; what it gave has ended")
	}
	c.spent = true
	if !now.Before(c.approved.Add(codeLife)) {
		return nil, nil, "", refuse("invalid_grant", "code has expired")
	}
	if c.redirectURI != redirectURI {
		return nil, nil, "", refuse("invalid_grant", "redirect_uri is not that of the authorization request")
	}
	if !answersChallenge(verifier, c.challenge) {
		return nil, nil, "", refuse("invalid_grant", "code_verifier does not answer the code_challenge")
	}
	g := l.enter(c, now)
	c.grantID = g.id
	return g, c, l.refreshToken(g.id, 0), nil
}

func answersChallenge(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1
}
