// Package fikapay is the sample payment service of the demonstration: an app
// as an integrator would write it. It knows consentd by its client and an API
// key, and the bank by its payments API; it imports nothing else of consentd,
// which a test of the demo asserts.
//
// What an app has to get right, and where it is done here:
//
//   - A consent belongs to a customer, and the browser that comes back from
//     the bank must be the one that set out (return.go).
//   - A token is asked for before every payment and forgotten after it
//     (pay.go). It is never stored, logged or shown. What a refusal of the bank
//     means is asked of consentd, by the client's transport.
//   - A payment keeps its X-Request-ID through every repetition, so that
//     nothing is paid twice.
//   - Each failure says what the customer should do next (words.go).
package fikapay

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/consentd/consentd/client"
)

// Config configures the app that [New] makes. All fields but Tell and Log are
// required.
type Config struct {
	Consentd Door // consentd's address, and our key there
	Bank     Door // the bank's payments API, and our apikey there
	BankID   string
	BankName string
	BankUser func(Customer) string // where that customer withdraws access at the bank

	Customers []Customer
	Pages     Pages
	Now       func() time.Time
	Tell      func(who, text string) // hears what happens, for the curious
	Log       *slog.Logger
}

// Door is an address, and the key that opens it. It does not print its key.
type Door struct {
	URL string // scheme://host
	Key string
}

// LogValue keeps the key out of logs.
func (d Door) LogValue() slog.Value { return slog.StringValue(d.URL) }

// String keeps the key out of texts.
func (d Door) String() string { return d.URL }

// Customer is somebody with an account at Fika Pay. Accounts at the bank are
// known by whose they are: the national id that comes with a token.
type Customer struct {
	ID         string // also the user name at the sandbox bank
	Name       string
	NationalID string
	Email      string
	Primary    string
	Secondary  string
	Comment    string // what the bank does with this one
}

// Pages renders a page of the app into the frame of the demonstration.
type Pages interface {
	Show(w http.ResponseWriter, status int, name, title string, view any, person string, formTargets ...string)
}

// App is the payment service.
type App struct {
	c        Config
	consentd *client.Client
	sessions sessions
	log      *slog.Logger
}

// requestLimit bounds a form; ours are tiny.
const requestLimit = 16 << 10

// New makes the app.
func New(c Config) (*App, error) {
	if c.Consentd.URL == "" || c.Bank.URL == "" || c.BankUser == nil || len(c.Customers) == 0 || c.Pages == nil || c.Now == nil {
		return nil, errors.New("fikapay: a required setting is missing")
	}
	if c.Tell == nil {
		c.Tell = func(string, string) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	consentd, err := client.New(client.Config{BaseURL: c.Consentd.URL, Key: client.Secret(c.Consentd.Key), UserAgent: "fikapay"})
	if err != nil {
		return nil, err
	}
	return &App{
		c: c, log: c.Log, consentd: consentd,
		sessions: sessions{all: make(map[string]*session), consents: make(map[string]string)},
	}, nil
}

// Handler serves the app's pages.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("POST /who", a.signIn)
	mux.HandleFunc("POST /leave", a.signOut)
	mux.HandleFunc("POST /connect", a.signedIn(a.connect))
	mux.HandleFunc("POST /disconnect", a.signedIn(a.disconnect))
	mux.HandleFunc("POST /accesses", a.signedIn(a.accesses))
	mux.HandleFunc("GET /bank/done", a.back)
	mux.HandleFunc("POST /pay", a.signedIn(a.pay))
	mux.HandleFunc("GET /payments/{order}", a.signedIn(a.showPayment))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.notice(w, http.StatusNotFound, "", notice{Title: "There is nothing here", Text: "Go back to Fika Pay and start again."})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, requestLimit)
		mux.ServeHTTP(w, r)
	})
}

// signedIn lets customers through and sends everybody else to the start.
func (a *App) signedIn(h func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := a.sessions.of(r)
		if s == nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		s.mu.Lock() // one browser, one thing at a time
		defer s.mu.Unlock()
		h(w, r, s)
	}
}

// show renders a page; its forms may lead on to consentd.
func (a *App) show(w http.ResponseWriter, status int, name, title string, view any, person string) {
	a.c.Pages.Show(w, status, name, title, view, person, a.c.Consentd.URL)
}

// notice is something to tell, with one next step.
type notice struct {
	Title, Text string
	Good        bool
}

func (a *App) notice(w http.ResponseWriter, status int, person string, n notice) {
	a.show(w, status, "notice", n.Title, n, person)
}

// customer finds one by its id.
func (a *App) customer(id string) (Customer, bool) {
	for _, c := range a.c.Customers {
		if c.ID == id {
			return c, true
		}
	}
	return Customer{}, false
}

// accountOf finds the account to pay from by whose it is: the person whom
// the bank named, who need not be the one who is signed in here.
func (a *App) accountOf(nationalID, which string) (Customer, string) {
	for _, c := range a.c.Customers {
		if c.NationalID != nationalID {
			continue
		}
		if which == secondary {
			return c, c.Secondary
		}
		return c, c.Primary
	}
	return Customer{}, ""
}

// firstName is how people in Iceland are called.
func firstName(name string) string {
	first, _, _ := strings.Cut(name, " ")
	return first
}

// FirstName is how the page greets a customer.
func (c Customer) FirstName() string { return firstName(c.Name) }
