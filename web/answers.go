package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/workload"
)

// answer is what an error means to the one who gets it. The rows with a title
// are the problems of the API, at /problems; what a page says of a code
// stands in the catalogue of texts under "error.<code>".
type answer struct {
	code   string
	status int
	errs   []error       // the errors that lead here
	retry  time.Duration // when asking again is worth it; 0: it is not, or the error knows

	title  string // for an app's developer
	detail string
	todo   string
}

// answers is the one table from errors to answers.
var answers = []answer{
	{code: "malformed-request", status: http.StatusBadRequest, errs: []error{errMalformed},
		title:  "The body is not JSON",
		detail: "The request's body cannot be read as JSON in UTF-8.",
		todo:   "Correct the request. The detail names the line and column where reading stopped."},
	{code: "unauthorized", status: http.StatusUnauthorized, errs: []error{errUnauthorized},
		title:  "No valid credential",
		detail: "The request has no API key or other credential, or one that is not known here.",
		todo:   "Send the header Authorization: Bearer, followed by your key, which starts with ck_, or by your workload's token. Ask the operator for a new key if yours was replaced."},
	{code: "operation-not-allowed", status: http.StatusForbidden, errs: []error{errOperation},
		title:  "The app may not do this",
		detail: "The credential is good, and the app is not allowed this operation.",
		todo:   "Do without, or ask the operator to allow it. GET /v1/me lists what your app may do."},
	{code: "rate-limited", status: http.StatusTooManyRequests, errs: []error{errRateLimited}, retry: time.Second,
		title:  "Too many requests",
		detail: "The app has sent more requests than it may.",
		todo:   "Wait as long as Retry-After says. The headers RateLimit and RateLimit-Policy tell beforehand how much is left."},
	{code: "not-found", status: http.StatusNotFound, errs: []error{consent.ErrNotFound, echo.ErrNotFound},
		title:  "Not found",
		detail: "There is nothing at this address that belongs to this app.",
		todo:   "Check the path and the id. A consent that another app asked for is not found either."},
	{code: "method-not-allowed", status: http.StatusMethodNotAllowed, errs: []error{echo.ErrMethodNotAllowed},
		title:  "Method not allowed",
		detail: "This address does not answer to that method.",
		todo:   "Use a method that the Allow header lists."},
	{code: "unsupported-grant-type", status: http.StatusBadRequest, errs: []error{errGrantType},
		title:  "Not a token exchange",
		detail: "The grant_type is not urn:ietf:params:oauth:grant-type:token-exchange.",
		todo:   "Exchange the id of a consent for an access token (RFC 8693); nothing else can be had at this address."},
	{code: "invalid-target", status: http.StatusBadRequest, errs: []error{errTarget},
		title:  "The target cannot be chosen",
		detail: "A token is for the bank of its consent; resource and audience choose nothing.",
		todo:   "Leave resource and audience out."},
	{code: "events-gone", status: http.StatusGone, errs: []error{consent.ErrEventsGone},
		title:  "Events are no longer kept",
		detail: "Some of the events after this cursor were dropped: they are kept for 30 days, and the last 100,000 of your app.",
		todo:   "Read GET /v1/consents?changed_since=… from the time of the last event that you have, and begin with the events again, without after."},
	{code: "too-large", status: http.StatusRequestEntityTooLarge, errs: []error{errTooLarge},
		title:  "Body too large",
		detail: "The request's body is larger than 64 KiB, or than 1 MiB where it is for a bank.",
		todo:   "Send less."},
	{code: "unsupported-media-type", status: http.StatusUnsupportedMediaType, errs: []error{errMediaType},
		title:  "Not JSON",
		detail: "The request's Content-Type is not application/json.",
		todo:   "Send JSON, with the header Content-Type: application/json."},
	{code: invalidRequest, status: http.StatusUnprocessableEntity,
		title:  "The request cannot be carried out as it stands",
		detail: "Some members of the request are wrong; errors lists all of them.",
		todo:   "Correct what errors lists: pointer says where (RFC 6901; a parameter of the address as ?name, a header or a form's parameter by its name), detail says what. Values are never repeated there."},
	{code: "idempotency-key-reused", status: http.StatusUnprocessableEntity, errs: []error{consent.ErrKeyReused},
		title:  "The idempotency key belongs to another request",
		detail: "Within the last 24 hours your app has sent this Idempotency-Key with another body.",
		todo:   "Send a new key with a new request, and the same body when you repeat one."},
	{code: "consent-pending", status: http.StatusConflict, errs: []error{consent.ErrPending},
		title:  "The customer has not granted it yet",
		detail: "The customer has not been to the bank yet, or is there now.",
		todo:   "Send the customer to renewal_url, or wait until they come back. Do not poll."},
	{code: "confirmation-required", status: http.StatusConflict, errs: []error{consent.ErrUnconfirmed},
		title:  "The app has not confirmed the customer",
		detail: "A customer granted access and your app has not said yet that it was its own.",
		todo:   "Call …/confirm with the code that came back with the customer's browser. If the code is lost or too old, make a renewal link and send the customer there."},
	{code: "consent-rejected", status: http.StatusConflict, errs: []error{consent.ErrRejected},
		title:  "The customer or a check said no",
		detail: "There is no access: the customer cancelled, or came back as somebody else than expected. cause says which.",
		todo:   "Tell the customer. If they want to try again, send them to renewal_url."},
	{code: "consent-expired", status: http.StatusGone, errs: []error{consent.ErrExpired},
		title:  "The consent has ended",
		detail: "The consent's end date has passed.",
		todo:   "Send the customer to renewal_url to connect again; the consent keeps its id."},
	{code: "consent-revoked", status: http.StatusGone, errs: []error{consent.ErrRevoked},
		title:  "The consent was withdrawn",
		detail: "The customer, your app, staff or the bank ended the consent early. cause says who.",
		todo:   "Stop using it. With a renewal_url, the customer can connect again under the same id; without one, ask for a new consent, and only if the customer wants it."},
	{code: "renewal-required", status: http.StatusConflict, errs: []error{consent.ErrRenewalRequired},
		title:  "The customer must go to the bank again",
		detail: "No token can be handed out for as long as you need without the customer.",
		todo:   "Send the customer to renewal_url. Nothing that works now stops working by that."},
	{code: "insufficient-scope", status: http.StatusForbidden, errs: []error{consent.ErrInsufficientScope},
		title:  "A scope was not granted",
		detail: "The customer did not grant every scope that is needed; missing_scopes lists them.",
		todo:   "Do without, or explain to the customer why it is needed and send them to the bank again."},
	{code: "lifetime-unavailable", status: http.StatusConflict, errs: []error{consent.ErrLifetime},
		title:  "No token lives that long",
		detail: "You asked for a token that lives longer than this bank's tokens do; longest_ttl is theirs, in seconds.",
		todo:   "Ask for a shorter min_ttl, and for a token again when you need one."},
	{code: "confirmation-failed", status: http.StatusConflict, errs: []error{consent.ErrConfirmation},
		title:  "The completion code does not fit",
		detail: "The code is wrong, belongs to another consent, or is too old.",
		todo:   "Use the code exactly as it came with the customer's browser, within ten minutes. Otherwise make a renewal link and send the customer there."},
	{code: "bank-answer-too-large", status: http.StatusBadGateway, errs: []error{errAnswerTooLarge},
		title:  "The bank's answer is too large",
		detail: "The bank answered the call with more than 10 MiB, which is not passed on. It has taken the call.",
		todo:   "Ask the bank for less at once."},
	{code: "bank-call-unknown", status: http.StatusGatewayTimeout, errs: []error{errCallUnknown},
		title:  "Unknown whether the bank took the call",
		detail: "The call was sent to the bank and no answer came. The bank may have acted on it.",
		todo:   "Look at the bank whether it did. To repeat a payment, send the same X-Request-ID: by it the bank knows the repetition."},
	{code: "bank-unavailable", status: http.StatusServiceUnavailable, errs: []error{consent.ErrBankUnavailable}, retry: 5 * time.Second,
		title:  "The bank does not answer",
		detail: "The bank gave no usable answer. The consent is as it was.",
		todo:   "Try again after Retry-After. Do not send the customer anywhere."},
	{code: "store-unavailable", status: http.StatusServiceUnavailable, errs: []error{token.ErrStoreUnavailable, token.ErrClosed}, retry: 2 * time.Second,
		title:  "Our storage does not answer",
		detail: "consentd cannot reach its storage, or is being restarted. Nothing follows from it about any consent.",
		todo:   "Try again after Retry-After."},
	{code: "issuer-unavailable", status: http.StatusServiceUnavailable, errs: []error{workload.ErrUnavailable}, retry: 5 * time.Second,
		title:  "The issuer of your token does not answer",
		detail: "The keys of the issuer of the workload's token cannot be had, so it is not known whether the token is good.",
		todo:   "Try again after Retry-After. The token may well be good; do not ask for another one."},
	{code: internalError, status: http.StatusInternalServerError,
		title:  "Something is wrong on our side",
		detail: "An error that should not happen. It is in our log under the request id.",
		todo:   "Try again once. If it stays, tell the operator the request_id."},

	// What only browsers meet.
	{code: "no-cookie", status: http.StatusBadRequest, errs: []error{errNoCookie}},
	{code: "foreign-form", status: http.StatusForbidden, errs: []error{errForeignForm}},
	{code: "link-gone", status: http.StatusGone, errs: []error{consent.ErrLinkGone}},
	{code: "mail-link-gone", status: http.StatusGone, errs: []error{errMailLinkGone}},
	{code: "link-used", status: http.StatusConflict, errs: []error{consent.ErrLinkUsed}},
	{code: "trip-gone", status: http.StatusGone, errs: []error{consent.ErrFlowGone}},
	{code: "foreign-browser", status: http.StatusForbidden, errs: []error{consent.ErrForeignBrowser}},
	{code: "forged-return", status: http.StatusBadRequest, errs: []error{consent.ErrForgedReturn}},
}

const (
	invalidRequest = "invalid-request"
	internalError  = "internal-error"
)

// answerTo finds the row for an error. What nobody foresaw is internal.
func answerTo(err error) answer {
	if _, ok := errors.AsType[*consent.Invalid](err); ok {
		return answerFor(invalidRequest)
	}
	for _, a := range answers {
		for _, known := range a.errs {
			if errors.Is(err, known) {
				return a
			}
		}
	}
	return answerFor(internalError)
}

// answerFor finds the row with a code, or a zero one.
func answerFor(code string) answer {
	for _, a := range answers {
		if a.code == code {
			return a
		}
	}
	return answer{}
}
