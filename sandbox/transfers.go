package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"
)

const (
	dailyLimit    = 200_000             // ISK for each customer and GMT day, over all clients
	repeatWindow  = 24 * time.Hour      // how long an X-Request-ID stays taken
	transferLife  = 90 * 24 * time.Hour // how long an initiation can be read back
	exampleID     = "BAA1234ABCDE1234"
	statusSettled = "ACCC" // ISO 20022: settled on the creditor's account
)

var (
	accountPattern   = regexp.MustCompile(`^[0-9]{12}$`)
	kennitalaPattern = regexp.MustCompile(`^[0-9]{10}$`)
)

// transfer is an initiation as GET prints it. Orders are read into it too:
// encoding/json takes the page's OwnerId for ownerId.
type transfer struct {
	ID                     string  `json:"id"`
	PaymentDate            string  `json:"paymentDate"`
	Status                 string  `json:"status"`
	EndToEndIdentification string  `json:"endToEndIdentification"`
	DebtorAccount          account `json:"debtorAccount"`
	DepositAccount         account `json:"depositAccount"`
	Amount                 amount  `json:"amount"`
	ExtendedReference      string  `json:"extendedReference"`

	userName string
}

type account struct {
	ID      string `json:"id"`
	OwnerID string `json:"ownerId"`
}

type amount struct {
	Amount   *float64 `json:"amount"` // exact for whole krónur; nil: not given
	Currency string   `json:"currency"`
}

// payments is what the bank keeps of initiations.
type payments struct {
	mu        sync.Mutex
	transfers shelf[*transfer]
	repeats   shelf[string]          // initiation id by client and X-Request-ID
	spent     map[string]daySpending // by user name
	barred    map[string]bool
}

// daySpending is what a customer has paid on one GMT day.
type daySpending struct {
	day string
	sum float64
}

// readTransfer reads one JSON object and nothing after it.
func readTransfer(r io.Reader) (*transfer, bool) {
	var order transfer
	dec := json.NewDecoder(r)
	if err := dec.Decode(&order); err != nil {
		return nil, false
	}
	_, err := dec.Token()
	return &order, err == io.EOF
}

// initiate takes an order once for each request id of a client.
func (p *payments) initiate(who caller, requestID string, order *transfer, readable bool, now time.Time) (string, *paymentError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.barred[who.user.UserName] {
		return "", errNotAuthedToPost
	}
	key := who.client.ID + " " + requestID
	if id, repeated := p.repeats.get(key, now); repeated {
		return id, nil
	}
	if !readable {
		return "", errBadRequest
	}
	if refusal := order.problem(); refusal != nil {
		return "", refusal
	}
	if refusal := p.objection(who.user, order, now); refusal != nil {
		return "", refusal
	}
	day := now.Format(time.DateOnly)
	if p.spent == nil {
		p.spent = make(map[string]daySpending)
	}
	p.spent[who.user.UserName] = daySpending{day, p.spentOn(who.user, day) + *order.Amount.Amount}

	order.ID, order.Status, order.userName = newTransferID(), statusSettled, who.user.UserName
	order.PaymentDate = now.Format(time.RFC3339)
	p.transfers.put(order.ID, order, now.Add(transferLife), now)
	p.repeats.put(key, order.ID, now.Add(repeatWindow), now)
	return order.ID, nil
}

// problem says what is wrong with an order by itself. A foreign payee has no
// row in the table, so it is the generic one.
func (t *transfer) problem() *paymentError {
	switch {
	case t.Amount.Amount == nil:
		return errBadRequest
	case t.Amount.Currency != "ISK":
		return errNonISKAmount
	case *t.Amount.Amount <= 0:
		return errZeroOrNegative
	case *t.Amount.Amount != math.Trunc(*t.Amount.Amount):
		return errBadRequest
	case !accountPattern.MatchString(t.DepositAccount.ID) || !kennitalaPattern.MatchString(t.DepositAccount.OwnerID):
		return errBadRequest
	}
	return nil
}

// objection says why u may not pay this order from that account: the four
// simulated cases and the daily limit.
func (p *payments) objection(u User, order *transfer, now time.Time) *paymentError {
	debtor := order.DebtorAccount
	switch {
	case debtor.OwnerID != u.Kennitala:
		return errAccountDenied
	case debtor.ID == "" || debtor.ID != u.Primary && debtor.ID != u.Secondary:
		return errDebtorNotFound
	case debtor.ID == u.Primary && u.wrongProduct:
		return errInvalidProduct
	case debtor.ID == u.Secondary:
		return errAmountUnavailable
	case p.spentOn(u, now.Format(time.DateOnly))+*order.Amount.Amount > dailyLimit:
		return errOverDailyAmount
	}
	return nil
}

// spentOn is what u has paid that day. Anna's limit is used up every day.
func (p *payments) spentOn(u User, day string) float64 {
	if u.limitSpent {
		return dailyLimit
	}
	if s := p.spent[u.UserName]; s.day == day {
		return s.sum
	}
	return 0
}

// read returns an initiation to the customer whose it is.
func (p *payments) read(who caller, id string, now time.Time) (*transfer, *paymentError) {
	if id == exampleID {
		return exampleFor(who.user, now), nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.transfers.get(id, now)
	switch {
	case !ok:
		return nil, errInitiationNotFound
	case t.userName != who.user.UserName:
		return nil, errNotAuthedToGet
	}
	return t, nil
}

// exampleFor is the answer that the page prints for its example id.
func exampleFor(u User, now time.Time) *transfer {
	one := 1.0
	return &transfer{
		ID: exampleID, PaymentDate: now.Format(time.RFC3339), Status: statusSettled,
		EndToEndIdentification: "endToEndId",
		DebtorAccount:          account{ID: u.Primary, OwnerID: u.Kennitala},
		DepositAccount:         account{ID: "015826040180", OwnerID: "0401809999"},
		Amount:                 amount{Amount: &one, Currency: "ISK"},
		ExtendedReference:      "extendedReference",
	}
}

func (p *payments) bar(userName string, barred bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.barred == nil {
		p.barred = make(map[string]bool)
	}
	p.barred[userName] = barred
}

// newTransferID has the shape of the page's example.
func newTransferID() string {
	letters := make([]byte, 5)
	for i := range letters {
		letters[i] = byte('A' + rand.IntN(26))
	}
	return fmt.Sprintf("BAA%04d%s%04d", rand.IntN(10000), letters, rand.IntN(10000))
}
