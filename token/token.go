// Package token keeps the grants that banks gave and hands out valid access
// tokens, refreshing them when needed.
//
// It knows secrets: it seals grants ([Keyring]), decides when a token is
// stale, and sees to it that a grant is never lost and never redeemed twice
// at once ([Vault]). It refuses to know customers, apps, ninety days, HTTP
// and Redis: who may have a token, and until when, is decided by package
// consent; what a bank says is read by package token/oauthbank.
//
// # The refresh protocol
//
// A refresh token may be good for one use only, and a bank that sees one
// twice may end the whole grant. Therefore, for each grant:
//
//  1. Within a process, callers share one flight. It runs on a context that
//     no caller can cancel.
//  2. Across processes, the flight takes a lease from the store, and reads
//     the grant under it. The lease outlives the bank's deadline by a margin,
//     so that two holders never overlap at the bank.
//  3. One request goes to the bank.
//  4. Its result is stored under the lease's fencing number and a commit id,
//     repeated until the store has answered, and only then handed out.
//  5. A lease that ends without a conclusion (crash, time-out, unreadable
//     answer) leaves a mark. The next holder tries the same refresh token
//     once more, and a refusal then reads "lost", not "withdrawn".
//
// Only a refusal of the newest generation, under the newest lease, ends a
// grant.
package token

import "time"

// Access is an access token on its way to the app that asked for it, with
// the national id that payments want as the debtor's. It refuses to print.
type Access struct {
	Token      Secret
	Type       string
	NationalID Secret
	Expiry     time.Time
	Scopes     []string
}

// Sealed is a grant at rest. CommitID names the write that stored it and is
// part of what its boxes are bound to.
type Sealed struct {
	CommitID     string
	Access       []byte
	Refresh      []byte // nil when the bank gave no refresh token
	AccessExpiry time.Time
	IssuedAt     time.Time
	Scopes       []string
}

// Lifetime is how long the bank's access token lives in all.
func (s Sealed) Lifetime() time.Duration { return s.AccessExpiry.Sub(s.IssuedAt) }
