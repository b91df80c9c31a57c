package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// request is an authorization request that was found in order.
type request struct {
	client      *Client
	redirectURI string
	state       string
	nonce       string
	challenge   string
	scopes      []string
}

// identityOnly reports a request that asks who the customer is and for
// nothing else.
func (r request) identityOnly() bool { return len(r.scopes) == 1 && r.scopes[0] == "openid" }

var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authorize takes an authorization request and sends the customer to the
// login page. Until client and redirect address are proven, a refusal is a
// page: sending it on would make the bank an open redirector.
func (b *Bank) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	client, known := b.clients[q.Get("client_id")]
	if !known || len(q["client_id"]) > 1 {
		b.explain(w, http.StatusBadRequest, "This app is unknown to the bank.")
		return
	}
	if q.Has("request_uri") {
		b.authorizePushed(w, r, client, q)
		return
	}
	redirectURI := q.Get("redirect_uri")
	if !slices.Contains(client.RedirectURIs, redirectURI) || len(q["redirect_uri"]) > 1 {
		b.explain(w, http.StatusBadRequest, "The app's return address is not registered at the bank.")
		return
	}
	req, refusal := readRequest(client, q)
	if refusal == nil && b.cfg.RequirePAR {
		refusal = refuse("invalid_request", "authorization requests must be pushed")
	}
	if refusal == nil && q.Get("prompt") == "none" {
		refusal = refuse("login_required", "this bank always asks the customer to sign in")
	}
	if refusal != nil {
		b.log.Info("authorization refused", "client_id", client.ID, "error", refusal.Code, "why", refusal.Description)
		b.sendBack(w, r, redirectURI, q.Get("state"), url.Values{
			"error": {refusal.Code}, "error_description": {refusal.Description},
		})
		return
	}
	b.receive(w, r, req)
}

// authorizePushed takes the request that the client pushed before.
func (b *Bank) authorizePushed(w http.ResponseWriter, r *http.Request, client *Client, q url.Values) {
	req, ok := b.desk.collect(q.Get("request_uri"), client.ID, b.now())
	if !ok {
		b.explain(w, http.StatusBadRequest, "This request has expired or was used before. Start again at the app.")
		return
	}
	b.receive(w, r, req)
}

// receive gives the request an address of its own, so that the login page can
// be reloaded.
func (b *Bank) receive(w http.ResponseWriter, r *http.Request, req request) {
	v := b.desk.admit(req, b.now())
	http.Redirect(w, r, pathLogin+"?"+url.Values{"request": {v.id}}.Encode(), http.StatusSeeOther)
}

// readRequest checks everything but client and redirect address.
func readRequest(client *Client, q url.Values) (request, *oauthError) {
	for name, values := range q {
		if len(values) > 1 {
			return request{}, refuse("invalid_request", "parameter is repeated: "+name)
		}
	}
	scopes := readScopes(q.Get("scope"))
	switch {
	case q.Has("request"):
		return request{}, refuse("request_not_supported", "request objects are not supported")
	case q.Get("response_type") != "code":
		return request{}, refuse("unsupported_response_type", "response_type must be code")
	case q.Has("response_mode") && q.Get("response_mode") != "query":
		return request{}, refuse("invalid_request", "response_mode must be query")
	case q.Get("code_challenge_method") != "S256" || !challengePattern.MatchString(q.Get("code_challenge")):
		return request{}, refuse("invalid_request", "PKCE with S256 is required")
	case len(scopes) == 0 || !subset(scopes, scopeNames()):
		return request{}, refuse("invalid_scope", "scopes are: "+strings.Join(scopeNames(), " "))
	}
	return request{
		client: client, redirectURI: q.Get("redirect_uri"), state: q.Get("state"),
		nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), scopes: scopes,
	}, nil
}

// push keeps an authorization request that the client sends itself, RFC 9126.
func (b *Bank) push(w http.ResponseWriter, r *http.Request) {
	client, form, refusal := b.authenticated(r)
	var req request
	switch {
	case refusal != nil:
	case form.Has("request_uri"):
		refusal = refuse("invalid_request", "request_uri cannot be pushed")
	case !slices.Contains(client.RedirectURIs, form.Get("redirect_uri")):
		refusal = refuse("invalid_request", "redirect_uri is not registered")
	default:
		req, refusal = readRequest(client, form)
	}
	if refusal != nil {
		writeRefusal(w, r, refusal)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]any{
		"request_uri": b.desk.keep(req, b.now()),
		"expires_in":  int(pushedLife / time.Second),
	})
}

// sendBack answers the client through the customer's browser. The issuer goes
// along, RFC 9207, so that a client of several banks cannot mix them up.
func (b *Bank) sendBack(w http.ResponseWriter, r *http.Request, redirectURI, state string, answer url.Values) {
	answer.Set("iss", b.cfg.Issuer)
	if state != "" {
		answer.Set("state", state)
	}
	joint := "?"
	if strings.Contains(redirectURI, "?") {
		joint = "&"
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, redirectURI+joint+answer.Encode(), http.StatusSeeOther)
}
