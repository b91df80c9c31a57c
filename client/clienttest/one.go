package clienttest

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/consentd/consentd/client"
)

// about answers the calls about one consent; below is the rest of the path.
func (s *Server) about(a *answer, method, below string, c *consent, body []byte) {
	switch method + " " + below {
	case "GET ":
		a.write(http.StatusOK, s.view(c))
	case "DELETE ":
		s.stop(c)
		a.write(http.StatusOK, s.view(c))
	case "POST confirm":
		s.confirm(a, c, body)
	case "POST token":
		s.handOut(a, c, body)
	case "POST report":
		s.report(a, c, body)
	case "POST renewal":
		s.renew(a, c)
	case "GET proof":
		a.write(http.StatusOK, map[string]any{"made_at": seconds(s.now()), "app": "Shop", "bank_name": c.request.Bank, "text_version": "en-test",
			"consent": s.view(c), "timeline": c.timeline})
	default:
		a.problem("not-found", nil)
	}
}

func (s *Server) stop(c *consent) {
	if !c.stopped() {
		s.end(c, client.TerminatedByTpp, cause{"app", "stopped"}, client.Revoked)
	}
}

// stopped on purpose: there is no way back.
func (c *consent) stopped() bool {
	return c.status == client.RevokedByPsu || c.status == client.TerminatedByTpp
}

func (s *Server) confirm(a *answer, c *consent, body []byte) {
	var in struct {
		Code string `json:"code"`
	}
	if !a.read(body, &in) || a.mistakes(map[string]bool{"/code": in.Code == ""}) {
		return
	}
	if c.confirmed == in.Code && c.status == client.Valid {
		a.write(http.StatusOK, s.view(c)) // like the first time
		return
	}
	if c.code != in.Code {
		a.problem("confirmation-failed", nil)
		return
	}
	c.confirmed = c.code
	s.note(c, "app", "confirmed")
	s.grant(c)
	a.write(http.StatusOK, s.view(c))
}

// refusals are why there is no token, by status.
var refusals = map[client.Status]string{
	client.Received: "consent-pending", client.Rejected: "consent-rejected", client.PartiallyAuthorised: "insufficient-scope",
	client.Expired: "consent-expired", client.RevokedByPsu: "consent-revoked", client.TerminatedByTpp: "consent-revoked",
	client.TerminatedByAspsp: "consent-revoked",
}

// known is what a refusal says of the consent.
func (c *consent) known(why *cause) map[string]any {
	all := make(map[string]any)
	if why != nil {
		all["cause"] = why
	}
	if !c.ends.IsZero() {
		all["consent_ends_at"] = seconds(c.ends)
	}
	return all
}

func (s *Server) handOut(a *answer, c *consent, body []byte) {
	var in struct {
		MinTTL      int       `json:"min_ttl"`
		NeededUntil time.Time `json:"needed_until"`
		Scopes      []string  `json:"scopes"`
	}
	if !a.read(body, &in) {
		return
	}
	now := s.now()
	status, why := c.statusAt(now)
	missing := slices.DeleteFunc(slices.Clone(in.Scopes), func(scope string) bool { return slices.Contains(c.scopes(), scope) })
	ttl := time.Duration(in.MinTTL) * time.Second
	ends := c.known(why)
	next := maps.Clone(ends)
	next["renewal_url"], next["renewal_url_expires_at"] = s.page(c).PageURL, s.page(c).PageExpiresAt
	switch {
	case c.code != "":
		a.problem("confirmation-required", nil)
	case c.stopped():
		a.problem("consent-revoked", ends)
	case status != client.Valid:
		a.problem(refusals[status], next)
	case len(missing) > 0:
		ends["missing_scopes"] = missing
		a.problem("insufficient-scope", ends)
	case in.NeededUntil.After(c.ends):
		s.need(c, in.NeededUntil)
		a.problem("renewal-required", next)
	case now.Add(ttl).After(c.ends):
		a.problem("renewal-required", next)
	case ttl >= TokenLife:
		a.problem("lifetime-unavailable", map[string]any{"longest_ttl": int(TokenLife / time.Second)})
	case s.bankDown && !c.lives(now.Add(ttl)):
		a.problem("bank-unavailable", map[string]any{"retry_after": 5})
	default:
		s.give(a, c, ttl, now)
	}
}

func (s *Server) give(a *answer, c *consent, ttl time.Duration, now time.Time) {
	token := s.live(c, ttl)
	c.used = now
	out := map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_at": seconds(c.tokenEnds), "expires_in": int(c.tokenEnds.Sub(now) / time.Second),
		"scopes": c.scopes(), "consent": map[string]any{"id": c.id, "ends_at": seconds(c.ends), "days_left": c.daysLeft(now)},
		"national_id": cmp.Or(c.request.ExpectedNationalID, NationalID).Reveal(),
	}
	a.write(http.StatusOK, out)
}

// report decides as consentd would after asking the bank.
func (s *Server) report(a *answer, c *consent, body []byte) {
	var in struct {
		Status int    `json:"status"`
		Code   string `json:"code"`
	}
	if !a.read(body, &in) {
		return
	}
	if in.Status != http.StatusUnauthorized && in.Status != http.StatusForbidden {
		a.invalid("/status", "is the bank's answer, and must be 401 or 403: others say nothing about a token")
		return
	}
	verdict := c.verdict
	switch verdict {
	case "":
		verdict = s.judge(c, in.Code)
	case client.TokenReplaced:
		c.token = "" // the next one is new
	}
	a.write(http.StatusOK, map[string]any{"verdict": verdict, "next": "See docs/api.md."})
}

func (s *Server) judge(c *consent, code string) client.Verdict {
	switch status, _ := c.statusAt(s.now()); {
	case slices.Contains(s.business, code) && code != "":
		return client.NotAboutTheToken
	case status != client.Valid:
		return client.ConsentEnded
	case s.bankDown:
		return client.UnknownVerdict
	case c.withdrawn:
		s.end(c, client.TerminatedByAspsp, cause{"bank", "refused"}, client.NeedsRenewal)
		return client.ConsentEnded
	}
	s.refresh(c)
	return client.TokenReplaced
}

func (s *Server) renew(a *answer, c *consent) {
	if c.stopped() {
		a.problem("consent-revoked", c.known(c.cause))
		return
	}
	a.write(http.StatusOK, s.page(c))
}
