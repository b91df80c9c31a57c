package client

import (
	"context"
	"net/http"
)

// Verdict is what a bank's refusal means.
type Verdict string

// The verdicts.
const (
	TokenReplaced    Verdict = "token-replaced"      // get the token again and repeat the call once, with the same request id
	NotAboutTheToken Verdict = "not-about-the-token" // the bank refuses this call: tell the customer, do not repeat it
	ConsentEnded     Verdict = "consent-ended"       // get the token again: the error says why there is none
	UnknownVerdict   Verdict = "unknown"             // try again in a minute; the consent is as it was
)

// Refusal is what a bank's API answered.
type Refusal struct {
	Status int    `json:"status"`         // 401 or 403
	Code   string `json:"code,omitempty"` // the bank's own, where it gave one
}

// Report says that the bank refused a call, and hears what that means. It
// makes consentd ask the bank, so call it after a refusal and at no other
// time. [Transport] does it by itself.
func (c *Client) Report(ctx context.Context, id string, r Refusal) (Verdict, error) {
	var answer struct {
		Verdict Verdict `json:"verdict"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: consentPath(id, "/report"), body: r}, &answer)
	return answer.Verdict, err
}
