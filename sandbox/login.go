package sandbox

import (
	"net/http"
	"net/url"
)

// loginPage is what the login page shows, for an app or for the online bank.
type loginPage struct {
	Title   string
	Client  string // empty: the online bank itself
	Only    bool   // who the customer is, and nothing of the accounts
	Request string
	Action  string
	Here    string // address of this page, for choosing a test user
	User    string
	Problem string
	Users   []User
}

// showLogin asks the customer to sign in for an authorization. ?user= fills
// the user name in, so that a tester need not type one.
func (b *Bank) showLogin(w http.ResponseWriter, r *http.Request) {
	v, ok := b.desk.visit(r.URL.Query().Get("request"), b.now())
	if !ok {
		b.explainLate(w)
		return
	}
	b.renderLogin(w, http.StatusOK, v, r.URL.Query().Get("user"), "")
}

func (b *Bank) explainLate(w http.ResponseWriter) {
	b.explain(w, http.StatusGone, "This request has been answered or has expired. Start again at the app.")
}

func (b *Bank) renderLogin(w http.ResponseWriter, status int, v visit, user, problem string) {
	client := v.request.client
	b.show(w, status, pageLogin, loginPage{
		Title: "Sign in", Client: client.Name, Only: v.request.identityOnly(), Request: v.id, Action: pathLogin,
		Here: pathLogin + "?" + url.Values{"request": {v.id}}.Encode() + "&user=",
		User: user, Problem: problem, Users: bankUsers(),
	}, client.formTargets()...)
}

// login signs the customer in and asks for the permissions, or goes back to
// the app when the customer cancels.
func (b *Bank) login(w http.ResponseWriter, r *http.Request) {
	now := b.now()
	v, ok := b.desk.visit(r.PostFormValue("request"), now)
	if !ok {
		b.explainLate(w)
		return
	}
	if r.PostFormValue("action") == "cancel" {
		b.cancel(w, r, v)
		return
	}
	u, problem := checkLogin(r)
	if problem != "" {
		b.renderLogin(w, http.StatusUnprocessableEntity, v, r.PostFormValue("username"), problem)
		return
	}
	s := b.desk.signIn(u, &v, now)
	b.setSession(w, s.id, sessionLife)
	http.Redirect(w, r, pathPermissions+"?"+url.Values{"request": {v.id}}.Encode(), http.StatusSeeOther)
}

// checkLogin takes any password but none.
func checkLogin(r *http.Request) (u User, problem string) {
	u, ok := findUser(r.PostFormValue("username"))
	switch {
	case !ok:
		return User{}, "No customer has this user name. Choose one from the list."
	case r.PostFormValue("password") == "":
		return User{}, "Enter a password. Any will do in the sandbox."
	}
	return u, ""
}

// cancel ends a visit with access_denied.
func (b *Bank) cancel(w http.ResponseWriter, r *http.Request, v visit) {
	if _, first := b.desk.leave(v.id, b.now()); !first {
		b.explainLate(w)
		return
	}
	b.sendBack(w, r, v.request.redirectURI, v.request.state, url.Values{
		"error": {"access_denied"}, "error_description": {"the customer cancelled"},
	})
}
