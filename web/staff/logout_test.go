package staff

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

// elsewhere posts a logout token as the identity provider does: no browser, no
// cookie, no origin.
func (w *world) elsewhere(raw string) *browser {
	return w.browser().do(http.MethodPost, "/back-channel-logout", url.Values{"logout_token": {raw}}, func(r *http.Request) {
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
	})
}

func (w *world) logoutToken(subject, session string) string {
	w.t.Helper()
	raw, err := w.company.LogoutToken("logout+jwt", subject, session, nil)
	must(w.t, err)
	return raw
}

func TestSignedOutElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, other := w.browser().signIn("audur"), w.browser().signIn("audur"), w.browser().signIn("bjorn")
	w.clock = w.clock.Add(time.Second)
	raw := w.logoutToken("audur", "")
	w.elsewhere(raw).want(http.StatusOK)
	one.get("/overview").want(http.StatusSeeOther)
	two.get("/overview").want(http.StatusSeeOther)
	other.get("/overview").want(http.StatusOK)

	w.clock = w.clock.Add(time.Second)
	one.signIn("audur").get("/overview").want(http.StatusOK)
	w.elsewhere(raw).want(http.StatusOK) // once more: what was begun since goes on
	one.get("/overview").want(http.StatusOK)

	acts, err := w.desk.Audit(t.Context(), 0, 100)
	must(t, err)
	n := 0
	for _, a := range acts {
		if a.Action == "signed_out" && a.Staff.ID == "audur" && a.Detail == "by the identity provider" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d entries of it are on record, want 1", n)
	}
}

// TestOneSessionEndsElsewhere: the one that is named, and not a colleague's or
// another browser's.
func TestOneSessionEndsElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.browser().signIn("audur")
	here := w.sessionThere(t)
	two := w.browser().signIn("audur")
	w.clock = w.clock.Add(time.Second)
	w.elsewhere(w.logoutToken("audur", here)).want(http.StatusOK)
	one.get("/overview").want(http.StatusSeeOther)
	two.get("/overview").want(http.StatusOK)
	w.elsewhere(w.logoutToken("", w.sessionThere(t))).want(http.StatusOK)
	two.get("/overview").want(http.StatusSeeOther)
}

// sessionThere is the session at the provider that was begun last.
func (w *world) sessionThere(t *testing.T) string {
	t.Helper()
	id := w.company.LastSession()
	if id == "" {
		t.Fatal("nobody has signed in")
	}
	return id
}

// readOnly is a desk whose record cannot be written.
type readOnly struct{ Desk }

func (readOnly) Record(context.Context, consent.Act) error { return errors.New("the record is full") }

// TestSignedOutElsewhereThoughTheRecordFails: the session ends all the same.
func TestSignedOutElsewhereThoughTheRecordFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("audur")
	w.clock = w.clock.Add(time.Second)
	w.server.desk = readOnly{w.server.desk}
	w.elsewhere(w.logoutToken("audur", "")).want(http.StatusInternalServerError)
	w.server.desk = w.desk
	b.get("/overview").want(http.StatusSeeOther)
}

func TestForgedLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("audur")
	w.clock = w.clock.Add(time.Second)
	raw := w.logoutToken("audur", "")
	for _, forged := range []string{"", "x", raw[:strings.LastIndex(raw, ".")] + ".AAAA", strings.Repeat("x", 20<<10)} {
		w.elsewhere(forged).want(http.StatusBadRequest, `"error":"invalid_request"`)
	}
	w.browser().get("/back-channel-logout?logout_token=" + raw).want(http.StatusMethodNotAllowed)
	b.get("/overview").want(http.StatusOK)
}

func TestLogoutsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("audur")
	for range mostLogouts.Requests {
		w.elsewhere("x").want(http.StatusBadRequest)
	}
	w.elsewhere(w.logoutToken("audur", "")).want(http.StatusTooManyRequests)
	b.get("/overview").want(http.StatusOK)
	w.browser().signIn("bjorn").get("/overview").want(http.StatusOK) // signing in has a limit of its own
	w.clock = w.clock.Add(time.Second)
	w.elsewhere(w.logoutToken("audur", "")).want(http.StatusOK)
	b.get("/overview").want(http.StatusSeeOther)
}
