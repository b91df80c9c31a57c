package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

// A customer connects their bank, and the app gets a token.
func Example() {
	consentd := clienttest.Start() // in production: client.New(client.Config{BaseURL: …, Key: …})
	defer consentd.Close()
	c, ctx := consentd.Client(), context.Background()

	made, err := c.Create(ctx, client.Request{
		Reference: "customer-4711", Bank: "landsbankinn", ReturnTo: "done", ExpectedNationalID: "0401809999",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("send the browser to a page:", made.Page.URL != "") // http.Redirect(w, r, made.Page.URL.Reveal(), 303)

	consentd.Approve(made.ID) // what the customer does at the bank

	token, err := c.Token(ctx, made.ID, client.TokenRequest{Scopes: []string{"payments"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Access, "for", token.Consent.DaysLeft, "more days")
	// Output:
	// send the browser to a page: true
	// [redacted] for 90 more days
}

// Every error says what to do next.
func Example_errors() {
	consentd := clienttest.Start()
	defer consentd.Close()
	c := consentd.Client()
	whatNext := func(id string) {
		_, err := c.Token(context.Background(), id, client.TokenRequest{})
		problem, _ := errors.AsType[*client.Problem](err) // nil for an answer that never came
		switch {
		case errors.Is(err, client.ErrUnavailable):
			fmt.Println("try again later; the consent is as it was")
		case problem != nil && problem.RenewalURL != "":
			fmt.Println("send the customer to RenewalURL:", problem.Code)
		case errors.Is(err, client.ErrRevoked):
			fmt.Println("ended by the", problem.Cause.Actor, "for good; ask for a new consent if the customer wants one")
		case err != nil:
			fmt.Println("a mistake of ours:", err)
		}
	}
	id := consentd.Grant(client.Request{Reference: "customer-4711", Bank: "landsbankinn"})

	consentd.BankDown(true)
	consentd.Advance(clienttest.TokenLife) // until then the token of the grant is good
	whatNext(id)
	consentd.BankDown(false)

	consentd.Expire(id)
	whatNext(id)

	other := consentd.Grant(client.Request{Reference: "customer-4712", Bank: "landsbankinn"})
	consentd.Revoke(other)
	whatNext(other)
	// Output:
	// try again later; the consent is as it was
	// send the customer to RenewalURL: consent-expired
	// ended by the customer for good; ask for a new consent if the customer wants one
}

// A transport puts the token into each request, and repeats one that the bank
// refused because of its token.
func ExampleNewTransport() {
	consentd := clienttest.Start()
	defer consentd.Close()
	bank := newExampleBank(consentd)
	defer bank.Close()
	id := consentd.Grant(client.Request{Reference: "customer-4711", Bank: "landsbankinn"})

	transport, err := client.NewTransport(client.TransportConfig{
		Source: consentd.Client().TokenSource(id, client.SourceOptions{}),
		Bank:   bank.URL, // the token goes nowhere else
		APIKey: "our key at the bank",
		Told: func(_ context.Context, r client.Refusal, v client.Verdict) {
			fmt.Println("the bank said", r.Status, r.Code, "and consentd", v)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	payments := &http.Client{Transport: transport, Timeout: time.Minute}

	order, err := http.NewRequest(http.MethodPost, bank.URL+"/payments", bytes.NewReader([]byte(`{"amount": 10}`)))
	if err != nil {
		fmt.Println(err)
		return
	}
	order.Header.Set("X-Request-ID", "5f0c2a9d7b3e4f61") // of this payment, through every repetition
	answer, err := payments.Do(order)
	if err != nil {
		fmt.Println(err) // errors.Is and errors.As find the *client.Problem in it
		return
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	// Output:
	// the bank said 401 TOKEN_UNKNOWN and consentd token-replaced
	// 201 Created
}

// A source fits wherever golang.org/x/oauth2 is used.
func ExampleClient_TokenSource() {
	consentd := clienttest.Start()
	defer consentd.Close()
	id := consentd.Grant(client.Request{Reference: "customer-4711", Bank: "landsbankinn"})

	source := consentd.Client().TokenSource(id, client.SourceOptions{LongestReuse: 30 * time.Second})
	for range 1000 {
		if _, err := source.Token(); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("calls of consentd:", consentd.Count("POST", "/v1/consents/"+id+"/token"))

	consentd.Revoke(id)
	source.Forget() // when the webhook consent.revoked arrives; otherwise within 30 s
	_, err := source.Token()
	fmt.Println("revoked:", errors.Is(err, client.ErrRevoked))
	// Output:
	// calls of consentd: 1
	// revoked: true
}

func ExampleClient_List() {
	consentd := clienttest.Start()
	defer consentd.Close()
	for range 3 {
		consentd.Grant(client.Request{Reference: "customer-4711", Bank: "landsbankinn"})
	}
	soon := time.Now().Add(91 * 24 * time.Hour)
	for found, err := range consentd.Client().List(context.Background(), client.Filter{Status: client.Valid, EndsBefore: soon}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(found.Bank, found.DaysLeft)
	}
	// Output:
	// landsbankinn 90
	// landsbankinn 90
	// landsbankinn 90
}

// Follow is for apps that cannot be reached by webhooks.
func ExampleClient_Follow() {
	consentd := clienttest.Start()
	defer consentd.Close()
	id := consentd.Grant(client.Request{Reference: "customer-4711", Bank: "landsbankinn"})
	consentd.Revoke(id)

	cursor := "" // where you stopped the last time
	for page, err := range consentd.Client().Follow(context.Background(), cursor) {
		if err != nil {
			fmt.Println(err) // an outage mends itself: go on
			continue
		}
		for _, e := range page.Events {
			fmt.Println(e.Type, e.Data.Status)
		}
		cursor = page.Next // keep it
		break              // a service would not
	}
	// Output:
	// consent.granted valid
	// consent.revoked revokedByPsu
}

func ExampleVerifyWebhook() {
	const secret = client.Secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	consentd := clienttest.Start()
	defer consentd.Close()
	consentd.Grant(client.Request{Reference: "customer-4711", Bank: "landsbankinn"})

	header, body := consentd.Webhook(secret) // r.Header, and io.ReadAll(r.Body)
	event, err := client.VerifyWebhook([]client.Secret{secret}, header, body, time.Now())
	fmt.Println(event.Type, err)
	_, err = client.VerifyWebhook([]client.Secret{secret}, header, append(body, ' '), time.Now())
	fmt.Println(err)
	// Output:
	// consent.granted <nil>
	// client: the webhook is not signed with a secret of ours
}
