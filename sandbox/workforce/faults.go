package workforce

import (
	"slices"
	"time"
)

// Fault says what is wrong with an ID token.
type Fault string

// The faults. Whoever relies on the provider must refuse each of them.
const (
	FaultWrongNonce    Fault = "wrong nonce"
	FaultWrongAudience Fault = "wrong audience"
	FaultWrongIssuer   Fault = "wrong issuer"
	FaultExpired       Fault = "expired"
	FaultUnsigned      Fault = "alg none"
	FaultForeignKey    Fault = "foreign key" // the right key id, and another key
	FaultNoGroups      Fault = "no groups"
	FaultWeakACR       Fault = "weak acr" // signed in by password alone
	FaultOldAuthTime   Fault = "old auth_time"
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{FaultWrongNonce, FaultWrongAudience, FaultWrongIssuer, FaultExpired, FaultUnsigned, FaultForeignKey,
		FaultNoGroups, FaultWeakACR, FaultOldAuthTime}
}

// Fail makes the next ID tokens wrong, one by each fault.
func (p *Provider) Fail(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, faults...)
}

func (p *Provider) nextFault() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) == 0 {
		return ""
	}
	f := p.faults[0]
	p.faults = slices.Delete(p.faults, 0, 1)
	return f
}

func (f Fault) distort(c *claims) {
	const old = 24 * time.Hour
	switch f {
	case FaultWrongNonce:
		c.Nonce += "x"
	case FaultWrongAudience:
		c.Audience = "another-client"
	case FaultWrongIssuer:
		c.Issuer += ".evil.test"
	case FaultExpired:
		c.IssuedAt -= int64(old / time.Second)
		c.Expiry -= int64(old / time.Second)
	case FaultNoGroups:
		c.Groups = nil
	case FaultWeakACR:
		c.ACR, c.AMR = ACRWeak, []string{"pwd"}
	case FaultOldAuthTime:
		c.AuthTime -= int64(old / time.Second)
	}
}
