package fikapay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/consentd/consentd/client"
)

// Which account to pay from.
const (
	primary   = "primary"
	secondary = "secondary"
)

// sum is what every payment here is about.
const sum = 10

var orderForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// payment is one order and what came of it.
type payment struct {
	Order     string // X-Request-ID at the bank, through every try
	Which     string
	Payee     Customer
	Sum       int
	At        time.Time
	Tries     int
	From      Customer
	FromID    string
	Location  string
	Status    string
	TokenLeft int // seconds, when it was handed out
	Exchanges []exchange
	Outcome   outcome
}

// outcome is what the customer is told, and the next step.
type outcome struct {
	Good       bool
	Title      string
	Text       string
	Next       string
	Again      bool // trying the same payment again may help
	RetryAfter int  // seconds to wait before that
	Connect    bool // the customer has to go to the bank
}

// payee is Guðrún, and for her somebody else.
func (a *App) payee(payer Customer) Customer {
	const gudrun, jon = "GUDGUNNARS", "JONGUNARS"
	id := gudrun
	if payer.ID == gudrun {
		id = jon
	}
	c, _ := a.customer(id)
	return c
}

// pay makes a payment, or tries one again. An order that was paid is only
// shown: its form may come twice.
func (a *App) pay(w http.ResponseWriter, r *http.Request, s *session) {
	id := r.PostFormValue("order")
	if !orderForm.MatchString(id) {
		a.notice(w, http.StatusBadRequest, s.customer.Name, notice{Title: "That was no order of ours", Text: "Go back and press the button again."})
		return
	}
	p := s.payments[id]
	if p == nil {
		p = &payment{Order: id, Which: primary, Payee: a.payee(s.customer), Sum: sum}
		if r.PostFormValue("account") == secondary {
			p.Which = secondary
		}
		s.keep(p)
	}
	if !p.Outcome.Good {
		p.At, p.Exchanges = a.c.Now(), nil
		p.Tries++
		a.execute(r.Context(), a.consentOf(s), p)
	}
	http.Redirect(w, r, "/payments/"+id, http.StatusSeeOther)
}

func (a *App) showPayment(w http.ResponseWriter, r *http.Request, s *session) {
	p := s.payments[r.PathValue("order")]
	if p == nil {
		a.notice(w, http.StatusNotFound, s.customer.Name, notice{Title: "There is no such payment", Text: "This demonstration keeps payments only as long as you are signed in."})
		return
	}
	a.show(w, http.StatusOK, "payment", p.Outcome.Title, p, s.customer.Name)
}

// execute gets a token, pays, and asks what became of it.
func (a *App) execute(ctx context.Context, consent string, p *payment) {
	if consent == "" {
		p.Outcome = outcome{Title: "No bank is connected", Text: "Fika Pay has no permission to pay from your account.", Connect: true}
		return
	}
	ctx = client.WithRequestID(ctx, p.Order)
	source := a.consentd.TokenSource(consent, client.SourceOptions{Request: client.TokenRequest{Scopes: []string{"payments"}}})
	payer, err := a.handedOut(ctx, source, p)
	if err != nil {
		p.Outcome = tokenWords(err, a.c.BankName)
		return
	}
	if err := a.send(ctx, source, payer, p); err != nil {
		a.tellWhyNot(err)
		p.Outcome = failureWords(err, a.c.BankName)
		return
	}
	p.Outcome = paidWords(p)
}

// handedOut gets the token of a payment, and who it speaks for.
func (a *App) handedOut(ctx context.Context, source *client.TokenSource, p *payment) (nationalID string, err error) {
	token, err := source.HandedOut(ctx)
	if err != nil {
		a.log.Info("no token for a payment", "error", err)
		a.tellWhyNot(err)
		return "", err
	}
	p.TokenLeft = token.ExpiresIn
	a.c.Tell("consentd", fmt.Sprintf("handed out an access token, good for another %d s. Fika Pay forgets it after this payment.", token.ExpiresIn))
	return token.NationalID.Reveal(), nil
}

// tellWhyNot tells the curious why consentd gave no token.
func (a *App) tellWhyNot(err error) {
	if told, ok := errors.AsType[*client.Problem](err); ok {
		a.c.Tell("consentd", fmt.Sprintf("gave no token (%s): %s.", told.Code, told.Title))
	}
}

// bankOf is the bank's API with the token of a source put in. Of a token that
// the bank refuses, the transport asks consentd what that means, and sends the
// order once more if there is a new one.
func (a *App) bankOf(source *client.TokenSource) (bank, error) {
	transport, err := client.NewTransport(client.TransportConfig{
		Source: source, Bank: a.c.Bank.URL, APIKey: client.Secret(a.c.Bank.Key),
		Told: func(_ context.Context, r client.Refusal, v client.Verdict) {
			a.c.Tell("Fika Pay", fmt.Sprintf("told consentd that the bank refused the token (%s), and heard: %s.", r.Code, v))
		},
	})
	return bank{url: a.c.Bank.URL, http: &http.Client{Transport: transport, Timeout: time.Minute}}, err
}

// send gives the bank the order and reads its status.
func (a *App) send(ctx context.Context, source *client.TokenSource, payer string, p *payment) error {
	bank, err := a.bankOf(source)
	if err != nil {
		return err
	}
	p.From, p.FromID = a.accountOf(payer, p.Which)
	location, x, err := bank.initiate(ctx, p.Order, order{
		EndToEndIdentification: p.Order[:16],
		DebtorAccount:          account{OwnerID: payer, ID: p.FromID},
		DepositAccount:         account{OwnerID: p.Payee.NationalID, ID: p.Payee.Primary},
		Amount:                 amount{Currency: "ISK", Amount: p.Sum},
		ExtendedReference:      "Fika",
	})
	p.Exchanges = append(p.Exchanges, x)
	if err != nil {
		return err
	}
	p.Location = location
	status, x, err := bank.status(ctx, location)
	p.Exchanges = append(p.Exchanges, x)
	if err != nil {
		a.log.Info("status of a payment could not be read", "error", err)
		return nil // it was taken; only its status is unknown
	}
	p.Status = status
	return nil
}
