package clienttest_test

import (
	"testing"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
	"github.com/consentd/consentd/client/servertest"
)

// TestTheFakeIsLikeConsentd, of which the same is expected.
func TestTheFakeIsLikeConsentd(t *testing.T) {
	t.Parallel()
	servertest.Run(t, func(*testing.T) servertest.Server {
		s := clienttest.New()
		s.BusinessCodes("ERR_7")
		return expected{s}
	})
}

// expected is a fake as servertest wants it.
type expected struct{ *clienttest.Server }

func (e expected) Request() client.Request {
	return client.Request{Reference: "customer-4711", Bank: "landsbankinn", ReturnTo: "done", ExpectedNationalID: "0602909999"}
}

func (e expected) BusinessCode() string                           { return "ERR_7" }
func (e expected) Agree(id string, _ client.Secret) client.Secret { return e.Approve(id) }
func (e expected) Cancel(id string, _ client.Secret)              { e.Decline(id) }
func (e expected) Stop(id string)                                 { e.Revoke(id) }
func (e expected) Settle()                                        {}
