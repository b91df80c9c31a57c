package stage

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/consentd/consentd/sandbox"
)

// Watch serves the bank and notes what is asked of it. It sees what the bank
// sees, and notes neither tokens nor codes.
func (s *Stage) Watch(bank *sandbox.Bank) http.Handler {
	s.mu.Lock()
	s.bank = bank
	s.mu.Unlock()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &watcher{ResponseWriter: w, status: http.StatusOK}
		refreshes := bank.Refreshes()
		bank.ServeHTTP(seen, r)
		s.note(r, seen.status, bank.Refreshes() > refreshes)
	})
}

// watcher remembers the status of an answer.
type watcher struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *watcher) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] through.
func (w *watcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Stage) note(r *http.Request, status int, refreshed bool) {
	if r.Method != http.MethodPost {
		return
	}
	ok := status < http.StatusBadRequest
	switch path := r.URL.Path; {
	case path == "/as/token.oauth2":
		s.noteToken(status, refreshed)
	case path == "/as/login" && ok:
		s.Tell("The customer", "signed in at the bank.")
	case path == "/as/permissions" && ok:
		s.Tell("The customer", "decided at the bank, and came back to consentd.")
	case path == "/as/revoke_token.oauth2" && ok:
		s.Tell("consentd", "told the bank that an access has ended.")
	case path == "/onlinebank/withdraw" && ok:
		s.Tell("The customer", "withdrew the access in the online bank. Nobody tells consentd; it finds out at the next refresh.")
	case strings.HasPrefix(path, "/Payments/") && ok:
		s.Tell("The bank", "took a payment.")
	case strings.HasPrefix(path, "/Payments/"):
		s.Tell("The bank", fmt.Sprintf("refused a payment (%d %s).", status, http.StatusText(status)))
	}
}

func (s *Stage) noteToken(status int, refreshed bool) {
	if status != http.StatusOK {
		s.Tell("The bank", fmt.Sprintf("gave consentd no token (%d %s).", status, http.StatusText(status)))
		return
	}
	expiry := s.Now().Add(s.accessTTL)
	s.mu.Lock()
	s.expiry = expiry
	s.mu.Unlock()
	if refreshed {
		s.Tell("consentd", "refreshed at the bank: a new access token, and a new refresh token in place of the old one. Both are sealed in Redis.")
		return
	}
	s.Tell("consentd", "exchanged the bank’s one-time code for tokens, and sealed them in Redis.")
}
