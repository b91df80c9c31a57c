package client

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Why a webhook is not believed.
var (
	ErrSignature     = errors.New("client: the webhook is not signed with a secret of ours")
	ErrTimestamp     = errors.New("client: the webhook is more than five minutes off")
	ErrWebhookSecret = errors.New(`client: a webhook secret is not "whsec_" and the base64 of at least 24 bytes`)
	ErrWebhookBody   = errors.New("client: the webhook's body is not an event")
)

const (
	webhookTolerance = 5 * time.Minute
	shortestKey      = 24 // bytes
)

// VerifyWebhook checks that consentd sent this, recently, and reads it. Give
// it all secrets that are in use: one, or two while you go from one to the
// next. body is what came, byte by byte. Answer 401 to an error, and 2xx as
// soon as the event is on your own record; events come again, with the same
// ID, until you do.
func VerifyWebhook(secrets []Secret, header http.Header, body []byte, now time.Time) (Event, error) {
	signed, err := signedByOneOf(secrets, header, body)
	if err != nil {
		return Event{}, err
	}
	if !signed {
		return Event{}, ErrSignature
	}
	seconds, err := strconv.ParseInt(header.Get(standard.HeaderWebhookTimestamp), 10, 64)
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); err != nil || off > webhookTolerance {
		return Event{}, ErrTimestamp
	}
	var e Event
	if json.Unmarshal(body, &e) != nil || e.Type == "" {
		return Event{}, ErrWebhookBody
	}
	e.ID = header.Get(standard.HeaderWebhookID)
	return e, nil
}

// signedByOneOf uses the library's own check, but for its clock, which cannot
// be set, and its patience with short keys.
func signedByOneOf(secrets []Secret, header http.Header, body []byte) (bool, error) {
	if len(secrets) == 0 {
		return false, ErrWebhookSecret
	}
	// With a dot in it, an id could borrow from what stands next to it.
	possible := !strings.Contains(header.Get(standard.HeaderWebhookID), ".")
	signed := false
	for _, secret := range secrets {
		text, prefixed := strings.CutPrefix(secret.Reveal(), "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !prefixed || len(key) < shortestKey {
			return false, ErrWebhookSecret
		}
		hook, err := standard.NewWebhookRaw(key)
		if err != nil {
			return false, ErrWebhookSecret
		}
		signed = signed || possible && hook.VerifyIgnoringTimestamp(body, header) == nil
	}
	return signed, nil
}
