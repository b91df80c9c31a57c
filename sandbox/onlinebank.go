package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// access is one app in the online bank, with all its grants taken together:
// withdrawing it ends them all.
type access struct {
	ClientID string
	Name     string
	Since    time.Time
	Until    time.Time
	Scopes   []scope
}

// showOnlineBank lists the apps that have access, to a customer who signed in.
func (b *Bank) showOnlineBank(w http.ResponseWriter, r *http.Request) {
	s, ok := b.signedIn(r)
	if !ok {
		b.renderOnlineLogin(w, http.StatusOK, r.URL.Query().Get("user"), "")
		return
	}
	b.show(w, http.StatusOK, pageOnlineBank, struct {
		Title, Base string
		User        User
		Apps        []access
	}{"Apps with access", pathOnlineBank, s.user, b.accessOf(s.user)})
}

func (b *Bank) renderOnlineLogin(w http.ResponseWriter, status int, user, problem string) {
	b.show(w, status, pageLogin, loginPage{
		Title: "Online bank", Action: pathOnlineBank + "/login", Here: pathOnlineBank + "?user=",
		User: user, Problem: problem, Users: bankUsers(),
	})
}

// accessOf joins a customer's grants by app.
func (b *Bank) accessOf(u User) []access {
	var apps []access
	names := make(map[string][]string)
	for _, g := range b.ledger.of(u.UserName, b.now()) {
		names[g.clientID] = append(names[g.clientID], g.scopes...)
		at := slices.IndexFunc(apps, func(a access) bool { return a.ClientID == g.clientID })
		if at < 0 {
			apps = append(apps, access{
				ClientID: g.clientID, Name: b.clients[g.clientID].Name, Since: g.approved, Until: g.ends,
			})
			at = len(apps) - 1
		}
		apps[at].Since = g.approved // grants come newest first
		apps[at].Scopes = describe(names[g.clientID])
	}
	return apps
}

func (b *Bank) onlineLogin(w http.ResponseWriter, r *http.Request) {
	u, problem := checkLogin(r)
	if problem != "" {
		b.renderOnlineLogin(w, http.StatusUnprocessableEntity, r.PostFormValue("username"), problem)
		return
	}
	s := b.desk.signIn(u, nil, b.now())
	b.setSession(w, s.id, sessionLife)
	http.Redirect(w, r, pathOnlineBank, http.StatusSeeOther)
}

// onlineWithdraw ends all access of one app.
func (b *Bank) onlineWithdraw(w http.ResponseWriter, r *http.Request) {
	s, ok := b.signedIn(r)
	if !ok {
		b.renderOnlineLogin(w, http.StatusUnauthorized, "", "You have been signed out. Sign in again.")
		return
	}
	// An empty client id would mean all apps; no button here says that.
	if id := r.PostFormValue("client_id"); id != "" {
		b.Withdraw(s.user.UserName, id)
	}
	http.Redirect(w, r, pathOnlineBank, http.StatusSeeOther)
}

func (b *Bank) onlineLogout(w http.ResponseWriter, r *http.Request) {
	if s, ok := b.signedIn(r); ok {
		b.desk.signOut(s.id)
	}
	b.setSession(w, "", -time.Second)
	http.Redirect(w, r, pathOnlineBank, http.StatusSeeOther)
}
