package sandbox

import (
	"net/http"
	"net/url"
	"time"
)

// showPermissions asks the customer who signed in what the app may do.
func (b *Bank) showPermissions(w http.ResponseWriter, r *http.Request) {
	v, s, ok := b.standing(r, r.URL.Query().Get("request"))
	if !ok {
		b.explainLate(w)
		return
	}
	client := v.request.client
	b.show(w, http.StatusOK, pagePermissions, struct {
		Title, Client, Request, Action, User string
		Ends                                 time.Time
		Scopes                               []scope
	}{
		"Give access", client.Name, v.id, pathPermissions, s.user.Name,
		b.now().Add(b.cfg.GrantLife), describe(v.request.scopes),
	}, client.formTargets()...)
}

// standing finds a visit and the session that signed in for it. Another
// browser, or a later sign-in of this one, may not decide.
func (b *Bank) standing(r *http.Request, id string) (visit, session, bool) {
	v, ok := b.desk.visit(id, b.now())
	if !ok {
		return visit{}, session{}, false
	}
	s, ok := b.signedIn(r)
	return v, s, ok && v.session == s.id
}

// decide takes the customer's answer and sends it to the app.
func (b *Bank) decide(w http.ResponseWriter, r *http.Request) {
	v, s, ok := b.standing(r, r.PostFormValue("request"))
	if !ok {
		b.explainLate(w)
		return
	}
	scopes := b.desk.allowed(s.user.UserName, common(v.request.scopes, r.PostForm["scope"]))
	if r.PostFormValue("action") != "approve" || len(scopes) == 0 {
		b.cancel(w, r, v)
		return
	}
	now := b.now()
	if _, first := b.desk.leave(v.id, now); !first {
		b.explainLate(w)
		return
	}
	code := b.ledger.writeCode(&code{
		clientID: v.request.client.ID, redirectURI: v.request.redirectURI, challenge: v.request.challenge,
		nonce: v.request.nonce, user: s.user, scopes: scopes, authTime: s.since, approved: now,
	}, now)
	b.log.Info("access approved", "user", s.user.UserName, "client_id", v.request.client.ID, "scopes", scopes)
	b.sendBack(w, r, v.request.redirectURI, v.request.state, url.Values{"code": {code}})
}
