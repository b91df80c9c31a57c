package consent

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// ID names a consent: "cns_", its partition as two hex digits, and a UUIDv7
// as 26 characters of lower-case Crockford base32. It is no secret, and it
// tells when the consent was asked for.
type ID string

const idPrefix = "cns_"

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// idLength is "cns_", two hex digits and 16 bytes in base32.
var idLength = len(idPrefix) + 2 + crockford.EncodedLen(len(uuid.UUID{}))

// newID makes an id in the partition of a customer's keyed index.
func newID(customer []byte) (ID, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new consent id: %w", err)
	}
	return ID(idPrefix + hex.EncodeToString(customer[:1]) + crockford.EncodeToString(u[:])), nil
}

// ParseID checks the form of an id that came from outside; what does not
// look like one is [ErrNotFound], since it names nothing.
func ParseID(s string) (ID, error) {
	if len(s) != idLength || !strings.HasPrefix(s, idPrefix) {
		return "", ErrNotFound
	}
	rest := s[len(idPrefix):]
	if _, err := hex.DecodeString(rest[:2]); err != nil || rest[:2] != strings.ToLower(rest[:2]) {
		return "", ErrNotFound
	}
	if _, err := crockford.DecodeString(rest[2:]); err != nil {
		return "", ErrNotFound
	}
	return ID(s), nil
}

// Partition is the hash tag that all keys of the consent's customer share:
// two hex digits.
func (id ID) Partition() string { return string(id[len(idPrefix) : len(idPrefix)+2]) }
