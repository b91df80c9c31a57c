package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
)

type requestIDKey struct{}

// WithRequestID makes the calls of ctx carry an X-Request-ID, so that what
// your log says of a payment and what consentd has on record of it can be laid
// side by side. Up to 128 of A–Z a–z 0–9 . _ - are allowed; for any other id,
// and for calls without one, a new one is made. Banks allow less: Landsbankinn
// takes 1 to 35 letters and digits.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

const longestRequestID = 128

func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	if id == "" || len(id) > longestRequestID || strings.ContainsFunc(id, notInRequestID) {
		return newID()
	}
	return id
}

func notInRequestID(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("._-", r)
}

// newID is 32 hex digits, which every bank takes for a request id.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
