package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	pathPaymentsRoot = "/Payments"
	pathTransfers    = "/Payments/Initiations/v1/CreditTransfers"
)

var requestIDPattern = regexp.MustCompile(`^[a-zA-Z0-9]{1,35}$`)

// caller is who an API call comes from and speaks for.
type caller struct {
	client *Client
	user   User
}

func isPayments(path string) bool {
	return path == pathPaymentsRoot || strings.HasPrefix(path, pathPaymentsRoot+"/")
}

// servePayments answers the A2A payments API.
func (b *Bank) servePayments(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, pathTransfers)
	if !ok || rest != "" && rest[0] != '/' {
		writePaymentError(w, errNotFound)
		return
	}
	who, ok := b.callerOf(r)
	if !ok {
		writePaymentError(w, errUnauthorized)
		return
	}
	collection := strings.Trim(rest, "/") == ""
	switch {
	case r.Method == http.MethodPost && collection:
		b.postTransfer(w, r, who)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		b.getTransfer(w, who, strings.TrimPrefix(rest, "/"))
	default:
		writePaymentError(w, errNotFound) // the table has no 405
	}
}

// callerOf checks the apikey and the token. The token must be live in the
// bank's books and belong to the client whose key came along.
func (b *Bank) callerOf(r *http.Request) (caller, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return caller{}, false
	}
	t, g, ok := b.ledger.byAccess(token, b.now())
	if !ok || !slices.Contains(t.scopes, "payments") {
		return caller{}, false
	}
	client := b.clients[g.clientID]
	if client.APIKey == "" || !sameSecret(r.Header.Get("apikey"), client.APIKey) {
		return caller{}, false
	}
	return caller{client, g.user}, true
}

// postTransfer initiates a payment, or points to the one that the same
// X-Request-ID initiated within 24 hours.
func (b *Bank) postTransfer(w http.ResponseWriter, r *http.Request, who caller) {
	ids := r.Header.Values("X-Request-Id")
	if len(ids) == 0 {
		writePaymentError(w, errRequestIDMissing)
		return
	}
	if len(ids) > 1 || !requestIDPattern.MatchString(ids[0]) {
		writePaymentError(w, errInvalidRequestHeader)
		return
	}
	order, readable := readTransfer(r.Body)
	id, refusal := b.payments.initiate(who, ids[0], order, readable, b.now())
	if refusal != nil {
		b.log.Info("payment refused", "user", who.user.UserName, "client_id", who.client.ID, "code", refusal.Code, "name", refusal.Name)
		writePaymentError(w, refusal)
		return
	}
	w.Header().Set("Location", pathTransfers+"/"+id+"/")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
}

// getTransfer answers {id} and {id}/Status. A Location of the bank ends in a
// slash, so a doubled one is taken for one.
func (b *Bank) getTransfer(w http.ResponseWriter, who caller, path string) {
	id, rest, _ := strings.Cut(path, "/")
	rest = strings.Trim(rest, "/")
	if strings.TrimSpace(id) == "" {
		writePaymentError(w, errInvalidInitiationID)
		return
	}
	if rest != "" && !strings.EqualFold(rest, "Status") {
		writePaymentError(w, errNotFound)
		return
	}
	transfer, refusal := b.payments.read(who, strings.TrimSpace(id), b.now())
	switch {
	case refusal != nil:
		writePaymentError(w, refusal)
	case rest != "":
		writeJSON(w, http.StatusOK, transfer.Status)
	default:
		writeJSON(w, http.StatusOK, transfer)
	}
}
