package fikapay

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/consentd/consentd/client"
)

// whoView is the page on which a visitor says who they are.
type whoView struct{ Customers []Customer }

// homeView is what a customer sees.
type homeView struct {
	Customer   Customer
	BankName   string
	Told       *notice
	Bank       standing
	Expects    bool // the app names whom it expects
	OnlineBank string
	Payee      Customer
	Order      string // X-Request-ID of the payment that the form would make
	Payments   []*payment
}

// standing is how a consent stands, in words.
type standing struct {
	State  string // none, waiting, valid, ended: which picture fits
	Title  string
	Text   string
	Button string // what the customer can do about it
	Left   bar
	CanPay bool
}

// bar is the picture of the days that are left.
type bar struct{ Days, Of int }

// Percent is how much of the bar is filled.
func (b bar) Percent() int {
	if b.Of == 0 {
		return 0
	}
	return 100 * b.Days / b.Of
}

func (a *App) home(w http.ResponseWriter, r *http.Request) {
	s := a.sessions.of(r)
	if s == nil {
		a.show(w, http.StatusOK, "who", "Fika Pay", whoView{a.c.Customers}, "")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	view := homeView{
		Customer: s.customer, BankName: a.c.BankName, Told: s.told, OnlineBank: a.c.BankUser(s.customer),
		Payee: a.payee(s.customer), Order: newID(), Payments: s.recent[:min(len(s.recent), 5)],
		Bank: a.standing(r.Context(), s), Expects: s.expects,
	}
	s.told = nil
	a.show(w, http.StatusOK, "home", "Fika Pay", view, s.customer.Name)
}

// standing asks consentd: the app keeps the id of a consent, and nothing that
// could be out of date.
func (a *App) standing(ctx context.Context, s *session) standing {
	id := a.consentOf(s)
	if id == "" {
		return wordsFor(client.Consent{}, a.c.BankName)
	}
	c, err := a.consentd.Get(ctx, id)
	if err != nil {
		a.log.Warn("consent could not be read", "error", err)
		return standing{State: "waiting", Title: "One moment", Text: "Fika Pay cannot see right now how your connection stands. Nothing is lost. Load this page again in a moment."}
	}
	return wordsFor(c, a.c.BankName)
}

// consentOf is the customer's consent, or the one that this browser is about
// to give.
func (a *App) consentOf(s *session) string {
	if id := a.sessions.consent(s.customer.ID); id != "" {
		return id
	}
	return s.pending
}

// signIn believes whoever a visitor says they are: this is the one thing of
// the app that only a demonstration can afford.
func (a *App) signIn(w http.ResponseWriter, r *http.Request) {
	c, ok := a.customer(r.PostFormValue("customer"))
	if !ok {
		a.notice(w, http.StatusBadRequest, "", notice{Title: "Who is that?", Text: "Choose one of the six test customers."})
		return
	}
	a.sessions.open(w, c)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *App) signOut(w http.ResponseWriter, r *http.Request) {
	a.sessions.close(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// connect sends the customer to consentd's page: with a new consent, or again
// with the one there is, which keeps its id.
func (a *App) connect(w http.ResponseWriter, r *http.Request, s *session) {
	page, err := a.pageFor(r.Context(), s, r.PostFormValue("expect") != "", languageOf(r))
	if err != nil {
		a.log.Warn("customer could not be sent to the bank", "error", err)
		s.told = &notice{Title: "That did not work", Text: "Fika Pay could not prepare your visit to the bank. Nothing has changed; try again in a moment."}
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	toConsentd(w, r, page)
}

// accesses sends the customer to the page where they see all that they gave
// the app. consentd is asked when they press the button: the link is theirs
// alone, and short.
func (a *App) accesses(w http.ResponseWriter, r *http.Request, s *session) {
	page, err := a.consentd.Access(r.Context(), s.customer.ID, "en")
	if err != nil {
		a.log.Warn("customer could not be shown what they gave", "error", err)
		s.told = &notice{Title: "That did not work", Text: "Fika Pay could not open the page. Nothing has changed; try again in a moment."}
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	toConsentd(w, r, page.URL.Reveal())
}

// toConsentd sends the browser to a page that is for this customer alone.
func toConsentd(w http.ResponseWriter, r *http.Request, page string) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, page, http.StatusSeeOther)
}

// disconnect stops the customer's consent. There is nothing to do at the bank:
// consentd tells it.
func (a *App) disconnect(w http.ResponseWriter, r *http.Request, s *session) {
	s.told = &notice{Good: true, Title: "Disconnected", Text: "Fika Pay has no access to your account any more."}
	if _, err := a.consentd.Stop(r.Context(), a.consentOf(s)); err != nil {
		a.log.Warn("consent could not be stopped", "error", err)
		s.told = &notice{Title: "That did not work", Text: "Fika Pay could not stop the access. Try again in a moment, or withdraw it in your online bank."}
	} else {
		a.c.Tell("Fika Pay", "had consentd stop the consent, on its customer’s wish.")
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// pageFor is where to send the customer. A live connection is renewed as it
// is: whom it expects was settled when it was made.
func (a *App) pageFor(ctx context.Context, s *session, expect bool, language string) (string, error) {
	live := a.standing(ctx, s).State == "valid"
	if id := a.consentOf(s); id != "" && (live || expect == s.expects) {
		page, err := a.consentd.Renew(ctx, id)
		if err == nil {
			s.pending = id
			a.c.Tell("Fika Pay", "asked consentd for a page on which its customer can go to the bank again.")
			return page.URL.Reveal(), nil
		}
		if !errors.Is(err, client.ErrRevoked) {
			return "", err
		}
	}
	ask := client.Request{
		Reference: s.customer.ID, Bank: a.c.BankID, ReturnTo: "done", Language: language, Email: client.Secret(s.customer.Email),
	}
	if expect {
		ask.ExpectedNationalID = client.Secret(s.customer.NationalID)
	}
	made, err := a.consentd.Create(ctx, ask)
	if err != nil {
		return "", err
	}
	s.pending, s.expects = made.ID, expect
	a.c.Tell("Fika Pay", "asked consentd for a consent, and sent the browser to consentd’s page.")
	return made.Page.URL.Reveal(), nil
}

// lastDay is the day that holds the last moment before end.
func lastDay(end time.Time) string {
	return end.Add(-time.Nanosecond).UTC().Format("2 January 2006")
}
