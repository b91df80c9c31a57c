package fikapay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/consentd/consentd/client"
)

// transfersPath is where the bank's A2A payments API takes payments.
const transfersPath = "/Payments/Initiations/v1/CreditTransfers"

// bank is our client of the bank's payments API. Its http puts the access
// token and our apikey in.
type bank struct {
	url  string
	http *http.Client
}

// order is a payment in the bank's own words.
type order struct {
	EndToEndIdentification string
	DebtorAccount          account
	DepositAccount         account
	Amount                 amount
	ExtendedReference      string
}

type account struct {
	OwnerID string `json:"OwnerId"`
	ID      string `json:"Id"`
}

type amount struct {
	Currency string
	Amount   int
}

// refusal is an error of the bank's table, or any other answer that is none.
type refusal struct {
	Status     int    `json:"-"`
	Code       string `json:"code"`
	Name       string `json:"name"`
	Message    string `json:"message"`
	RetryAfter int    `json:"-"`
}

func (r *refusal) Error() string { return fmt.Sprintf("bank: %s %s (%d)", r.Code, r.Name, r.Status) }

// exchange is one question and answer, written out for the curious. Keys and
// tokens are left out before anything is written.
type exchange struct {
	What, Request, Answer string
}

// initiate sends an order and returns where the bank keeps it. The same
// requestID never pays twice.
func (b bank) initiate(ctx context.Context, requestID string, o order) (location string, x exchange, err error) {
	body, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return "", x, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+transfersPath, bytes.NewReader(body))
	if err != nil {
		return "", x, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-ID", requestID)
	x.What = "Fika Pay gives the bank the payment"
	header, _, err := b.send(r, string(body), &x)
	return header.Get("Location"), x, err
}

// status asks what became of an order.
func (b bank) status(ctx context.Context, location string) (status string, x exchange, err error) {
	path := strings.TrimSuffix(location, "/") + "/Status"
	if !strings.HasPrefix(path, transfersPath+"/") {
		return "", x, fmt.Errorf("bank: the payment is said to be at an address that is not the API's")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		return "", x, err
	}
	x.What = "Fika Pay asks what became of it"
	_, answer, err := b.send(r, "", &x)
	if err != nil {
		return "", x, err
	}
	if err := json.Unmarshal(answer, &status); err != nil {
		return "", x, fmt.Errorf("read the payment's status: %w", err)
	}
	return status, x, nil
}

// answerLimit is far more than any answer of the bank has.
const answerLimit = 1 << 20

func (b bank) send(r *http.Request, body string, x *exchange) (http.Header, []byte, error) {
	x.Request = written(r, body)
	res, err := b.http.Do(r)
	if _, ended := errors.AsType[*client.Problem](err); ended {
		x.Answer = "The bank refused the token, and consentd has no other."
		return http.Header{}, nil, err
	}
	if err != nil {
		x.Answer = "No answer."
		return http.Header{}, nil, fmt.Errorf("ask the bank: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		x.Answer = "The answer broke off."
		return http.Header{}, nil, fmt.Errorf("read the bank's answer: %w", err)
	}
	x.Answer = answered(res, answer)
	if res.StatusCode >= http.StatusMultipleChoices {
		return http.Header{}, nil, refusalOf(res, answer)
	}
	return res.Header, answer, nil
}

func refusalOf(res *http.Response, answer []byte) *refusal {
	p := &refusal{}
	if json.Unmarshal(answer, p) != nil {
		p = &refusal{Name: http.StatusText(res.StatusCode)} // not from the bank's table
	}
	p.Status = res.StatusCode
	p.RetryAfter, _ = strconv.Atoi(res.Header.Get("Retry-After")) // 0 where there is none, or a date
	return p
}

// written writes out a request, which has no secrets in it yet.
func written(r *http.Request, body string) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s %s\n", r.Method, r.URL.Path)
	fmt.Fprintf(&t, "Authorization: Bearer ••• (from consentd, never shown)\napikey: ••• (Fika Pay's own)\n")
	if id := r.Header.Get("X-Request-ID"); id != "" {
		fmt.Fprintf(&t, "X-Request-ID: %s\n", id)
	}
	if body != "" {
		fmt.Fprintf(&t, "Content-Type: application/json\n\n%s\n", body)
	}
	return t.String()
}

// answered writes out the part of an answer that tells something.
func answered(res *http.Response, body []byte) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s\n", res.Status)
	for _, name := range []string{"Location", "Retry-After", "Content-Type"} {
		if v := res.Header.Get(name); v != "" {
			fmt.Fprintf(&t, "%s: %s\n", name, v)
		}
	}
	if text := strings.TrimSpace(string(body)); text != "" {
		fmt.Fprintf(&t, "\n%.2000s\n", text)
	}
	return t.String()
}
