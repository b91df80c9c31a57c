package sandbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/consentd/consentd/sandbox"
)

// A test plays both sides: the app that asks, and the customer who approves.
func Example() {
	bank, err := sandbox.New(sandbox.Config{
		Issuer: "http://bank.test",
		Clients: []sandbox.Client{{
			ID: "shop", Secret: "secret", APIKey: "key", RedirectURIs: []string{"http://shop.test/callback"},
		}},
		Rotation: sandbox.Strict(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ask := url.Values{
		"response_type": {"code"}, "client_id": {"shop"}, "redirect_uri": {"http://shop.test/callback"},
		"scope": {"openid profile customer payments"}, "state": {"af0ifjsldkj"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	customer := sandbox.Customer{User: "GUDGUNNARS", Cancel: true, Client: &http.Client{Transport: bank}}
	callback, err := customer.Authorize(context.Background(), "http://bank.test/as/authorization.oauth2?"+ask.Encode())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(callback)
	// Output: http://shop.test/callback?error=access_denied&error_description=the+customer+cancelled&iss=http%3A%2F%2Fbank.test&state=af0ifjsldkj
}
