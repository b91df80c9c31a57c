package fikapay

import (
	"net/http"

	"github.com/consentd/consentd/client"
)

// back takes a browser that comes back from the bank. Anybody can be made to
// open this address, with somebody else's consent and code in it, so that only
// what this very browser set out for is confirmed.
func (a *App) back(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	s := a.sessions.of(r)
	if q.Get("code") == "" && !s.expected(q.Get("consent_id")) {
		a.fromMail(w, r, s, q.Get("consent_id"), q.Get("result"))
		return
	}
	if s == nil {
		a.foreign(w, "")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == "" || q.Get("consent_id") != s.pending {
		a.foreign(w, s.customer.Name)
		return
	}
	s.told = a.conclude(r, s, q.Get("code"), q.Get("result"))
	// Off to an address without the code, so that it stays in no history.
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// expected reports whether the browser set out for that consent from here.
func (s *session) expected(id string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending != "" && s.pending == id
}

// fromMail takes a browser that did not set out from here and brings no code:
// its customer has renewed by the link of a mail. There is nothing to confirm.
func (a *App) fromMail(w http.ResponseWriter, r *http.Request, s *session, id, result string) {
	if s != nil && a.sessions.consent(s.customer.ID) == id {
		if c, err := a.consentd.Get(r.Context(), id); err == nil {
			s.mu.Lock()
			s.told = resultWords(result, c.Status, a.c.BankName)
			s.mu.Unlock()
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// foreign answers a browser that did not set out from here. What was granted
// stays unconfirmed, and so is of no use to whoever sent the link.
func (a *App) foreign(w http.ResponseWriter, person string) {
	a.c.Tell("Fika Pay", "did not send out the browser that came back, so it confirmed nothing.")
	a.notice(w, http.StatusForbidden, person, notice{
		Title: "This did not start here",
		Text: "You come back from a bank, but Fika Pay did not send you there: not from this browser, and not as the one who is signed in. " +
			"So nothing was connected. If somebody sent you a link, they may have wanted to use your bank account. " +
			"You can withdraw what you gave in your online bank.",
	})
}

// conclude confirms, and says what came of the trip. The result in the
// address chooses words; what counts is what consentd says.
func (a *App) conclude(r *http.Request, s *session, code, result string) *notice {
	id := s.pending
	var c client.Consent
	var err error
	if code != "" {
		c, err = a.consentd.Confirm(r.Context(), id, client.Secret(code))
	} else {
		c, err = a.consentd.Get(r.Context(), id)
	}
	if err != nil {
		a.log.Warn("return from the bank could not be concluded", "error", err)
		return &notice{Title: "Almost there", Text: "Fika Pay could not confirm your connection. Nothing is lost: choose “Connect your bank” again."}
	}
	if c.Status == client.Valid {
		if code != "" {
			a.c.Tell("Fika Pay", "confirmed to consentd that the browser which came back is its customer’s.")
		}
		a.sessions.keepConsent(s.customer.ID, id)
		s.pending = ""
	}
	return resultWords(result, c.Status, a.c.BankName)
}
