package token

import (
	"encoding/binary"
	"slices"
)

// Two bundles are sealed for each grant, so that the hot path opens only the
// one that it hands out and never holds a refresh token:
//
//	access   access token, token type, national id
//	refresh  refresh token, issuer, subject, national id, name
//
// A bundle is its fields, each preceded by its length as a uvarint, and then
// zeros up to a multiple of padTo, so that the length of a ciphertext does
// not tell a kind of token.

const padTo = 256

func pack(fields ...string) []byte {
	var out []byte
	for _, f := range fields {
		out = binary.AppendUvarint(out, uint64(len(f)))
		out = append(out, f...)
	}
	if over := len(out) % padTo; over != 0 {
		out = append(out, make([]byte, padTo-over)...)
	}
	return out
}

// unpack reads n fields. What follows them must be padding.
func unpack(b []byte, n int) ([]string, error) {
	fields := make([]string, 0, n)
	for range n {
		size, used := binary.Uvarint(b)
		if used <= 0 || size > uint64(len(b)-used) {
			return nil, ErrSealBroken
		}
		fields = append(fields, string(b[used:used+int(size)]))
		b = b[used+int(size):]
	}
	if slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		return nil, ErrSealBroken
	}
	return fields, nil
}

const (
	accessFields  = 3
	refreshFields = 5
)

// sealGrant seals what a bank gave for the consent id, to be stored by the
// write commitID.
func (k *Keyring) sealGrant(bank, id, commitID string, g Grant, who Identity) (Sealed, error) {
	s := Sealed{CommitID: commitID, AccessExpiry: g.AccessExpiry, IssuedAt: g.IssuedAt, Scopes: g.Scopes}
	var err error
	bundle := pack(g.Access.Reveal(), g.TokenType, who.NationalID.Reveal())
	if s.Access, err = k.Seal(PurposeGrant, bundle, "access", bank, id, commitID); err != nil {
		return Sealed{}, err
	}
	if g.Refresh == "" {
		return s, nil
	}
	bundle = pack(g.Refresh.Reveal(), who.Issuer, who.Subject, who.NationalID.Reveal(), who.Name.Reveal())
	if s.Refresh, err = k.Seal(PurposeGrant, bundle, "refresh", bank, id, commitID); err != nil {
		return Sealed{}, err
	}
	return s, nil
}

// OpenAccess opens the access token of a stored grant. Its error is
// [ErrSealBroken].
func (k *Keyring) OpenAccess(bank, id string, s Sealed) (Access, error) {
	plain, err := k.Open(PurposeGrant, s.Access, "access", bank, id, s.CommitID)
	if err != nil {
		return Access{}, err
	}
	f, err := unpack(plain, accessFields)
	if err != nil {
		return Access{}, err
	}
	return Access{
		Token: Secret(f[0]), Type: f[1], NationalID: Secret(f[2]),
		Expiry: s.AccessExpiry, Scopes: s.Scopes,
	}, nil
}

// openRefresh opens the refresh token, and whose it is.
func (k *Keyring) openRefresh(bank, id string, s Sealed) (Secret, Identity, error) {
	plain, err := k.Open(PurposeGrant, s.Refresh, "refresh", bank, id, s.CommitID)
	if err != nil {
		return "", Identity{}, err
	}
	f, err := unpack(plain, refreshFields)
	if err != nil {
		return "", Identity{}, err
	}
	who := Identity{Issuer: f[1], Subject: f[2], NationalID: Secret(f[3]), Name: Secret(f[4])}
	return Secret(f[0]), who, nil
}
