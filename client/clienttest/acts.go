package clienttest

import (
	"crypto/rand"

	"github.com/consentd/consentd/client"
)

// Grant makes a consent that is valid already.
func (s *Server) Grant(r client.Request) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.add(r)
	s.grant(c)
	return c.id
}

// Approve plays the customer who goes to the bank and agrees: for a new
// consent, or to renew one. It returns the code that the browser would bring
// back, which is empty unless the consent has to be confirmed.
func (s *Server) Approve(id string) (code client.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.known(id)
	s.note(c, "customer", "authorizing")
	if c.request.ExpectedNationalID == "" && c.terms == 0 {
		c.status, c.cause, c.code = client.Received, nil, rand.Text()
		return client.Secret(c.code)
	}
	s.grant(c)
	return ""
}

// Decline plays the customer who cancels at the bank. A valid consent stays.
func (s *Server) Decline(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.known(id); c.status != client.Valid {
		s.end(c, client.Rejected, cause{"customer", "cancelled"}, client.WasRejected)
	}
}

// Expire lets a consent's end date pass.
func (s *Server) Expire(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.known(id)
	c.ends = s.now()
	s.warn(c)
}

// Revoke plays the customer who stops a consent at consentd.
func (s *Server) Revoke(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(s.known(id), client.RevokedByPsu, cause{"customer", "stopped"}, client.Revoked)
}

// Withdraw plays the customer who withdraws access in the online bank: the
// bank refuses the token from now on, and consentd learns of it by a report.
func (s *Server) Withdraw(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known(id).withdrawn = true
}

// Verdict fixes what reports on a consent come to; "" ends that.
func (s *Server) Verdict(id string, v client.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known(id).verdict = v
}

// BusinessCodes are the bank's error codes that say nothing about a token.
func (s *Server) BusinessCodes(codes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.business = codes
}

// BankDown makes the bank give no tokens, until it is called with false. One
// that was given before is good until its time is over.
func (s *Server) BankDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bankDown = down
}

// StoreDown makes every call fail as it does when consentd has no Redis.
func (s *Server) StoreDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storeDown = down
}

// RateLimited makes every call meet the rate limit.
func (s *Server) RateLimited(limited bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limited = limited
}

// Lose loses the next n answers on the way, after the work was done.
func (s *Server) Lose(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = n
}

// Live says which consent a bank would take a token for.
func (s *Server) Live(token string) (id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.consents {
		if c.token == token && token != "" && !c.withdrawn && s.now().Before(c.tokenEnds) {
			return c.id, true
		}
	}
	return "", false
}
