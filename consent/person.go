package consent

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/consentd/consentd/token"
)

// Person is what is known of the customer. It is stored sealed, bound to the
// consent, and looked up by keyed indexes only.
type Person struct {
	Reference  token.Secret // the app's own name for the customer
	Expected   token.Secret // national id that the app expects; empty when it confirms by code
	Email      token.Secret
	Issuer     string // with Subject: who came back from the bank; empty before
	Subject    token.Secret
	NationalID token.Secret
	Name       token.Secret
}

// Known reports whether somebody has come back from the bank.
func (p Person) Known() bool { return p.Subject != "" }

// unconfirmed forgets who came back from the bank: somebody whom the app
// never confirmed must not stand in the way of the right customer.
func (p Person) unconfirmed() Person {
	return Person{Reference: p.Reference, Expected: p.Expected, Email: p.Email}
}

// Same reports whether who is the person known already: the same subject of
// the same issuer, or the same national id.
func (p Person) Same(who token.Identity) bool {
	if p.Issuer == who.Issuer && p.Subject.Equal(token.Secret(who.Subject)) {
		return true
	}
	return p.NationalID != "" && p.NationalID.Equal(who.NationalID)
}

// sealedPerson is the form at rest, before sealing. Secret refuses to be
// marshalled, so its texts are taken out here and nowhere else.
type sealedPerson struct {
	Reference  string `json:"reference"`
	Expected   string `json:"expected,omitempty"`
	Email      string `json:"email,omitempty"`
	Issuer     string `json:"iss,omitempty"`
	Subject    string `json:"sub,omitempty"`
	NationalID string `json:"national_id,omitempty"`
	Name       string `json:"name,omitempty"`
}

func (s *Service) sealPerson(id ID, p Person) ([]byte, error) {
	plain, err := json.Marshal(sealedPerson{
		Reference: p.Reference.Reveal(), Expected: p.Expected.Reveal(), Email: p.Email.Reveal(),
		Issuer: p.Issuer, Subject: p.Subject.Reveal(), NationalID: p.NationalID.Reveal(), Name: p.Name.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("seal person: %w", err)
	}
	return s.c.Keys.Seal(token.PurposePerson, plain, string(id))
}

// person opens the personal data of a consent.
func (s *Service) person(c Consent) (Person, error) {
	plain, err := s.c.Keys.Open(token.PurposePerson, c.Personal, string(c.ID))
	if err != nil {
		return Person{}, fmt.Errorf("person of consent %s: %w", c.ID, err)
	}
	var p sealedPerson
	if err := json.Unmarshal(plain, &p); err != nil {
		return Person{}, fmt.Errorf("person of consent %s: %w", c.ID, token.ErrSealBroken)
	}
	return Person{
		Reference: token.Secret(p.Reference), Expected: token.Secret(p.Expected), Email: token.Secret(p.Email),
		Issuer: p.Issuer, Subject: token.Secret(p.Subject), NationalID: token.Secret(p.NationalID), Name: token.Secret(p.Name),
	}, nil
}

// customerIndex finds the consents of one app's customer.
func (s *Service) customerIndex(app string, reference token.Secret) ([]byte, error) {
	return s.c.Keys.Index("customer", app, reference.Reveal())
}

// personIndex finds the consents of one national id, across apps. It is
// empty for an id that is not known.
func (s *Service) personIndex(kind NationalIDKind, id token.Secret) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	return s.c.Keys.Index("national_id", string(kind), id.Reveal())
}

// NationalIDKind is a country's kind of national id.
type NationalIDKind string

// The kinds.
const (
	Kennitala    NationalIDKind = "kennitala"    // Iceland: DDMMYYNNPC
	Personnummer NationalIDKind = "personnummer" // Sweden: YYYYMMDDNNNC or YYMMDDNNNC
)

// normalise strips what people write between the digits and checks the form.
// It never quotes the id.
func (k NationalIDKind) normalise(id token.Secret) (token.Secret, error) {
	digits := strings.NewReplacer("-", "", " ", "", "+", "").Replace(id.Reveal())
	for _, r := range digits {
		if r < '0' || r > '9' {
			return "", fmt.Errorf("a %s has digits only", k)
		}
	}
	switch {
	case digits == "" || len(digits) > 16:
		return "", fmt.Errorf("a national id has 1 to 16 digits")
	case k == Kennitala && len(digits) != 10:
		return "", fmt.Errorf("a %s has ten digits", k)
	case k == Personnummer && len(digits) != 10 && len(digits) != 12:
		return "", fmt.Errorf("a %s has ten or twelve digits", k)
	}
	if k == Personnummer {
		digits = digits[len(digits)-10:] // with and without the century it is the same person
	}
	return token.Secret(digits), nil
}

// canonical is the form in which ids are compared and indexed. What is no id
// of this kind stays as the bank wrote it.
func (k NationalIDKind) canonical(id token.Secret) token.Secret {
	if normal, err := k.normalise(id); err == nil {
		return normal
	}
	return id
}

// company reports whether the id is a company's: a kennitala whose day of
// birth has 40 added (first digit 4 to 7), or a Swedish organisation number
// (third digit 2 or more). A number of the 8- and 9-series is a person's
// (Registers Iceland).
func (k NationalIDKind) company(id token.Secret) bool {
	d := id.Reveal()
	switch {
	case k == Kennitala && len(d) == 10:
		return d[0] >= '4' && d[0] <= '7'
	case k == Personnummer && len(d) == 10:
		return d[2] >= '2'
	}
	return false
}

// checks computes the classic check digit of a kennitala (weights 3 2 7 6 5 4
// 3 2, modulo 11). Ids issued since 18 February 2026 need not pass.
func (k NationalIDKind) checks(id token.Secret) bool {
	d := id.Reveal()
	if k != Kennitala || len(d) != 10 {
		return true
	}
	sum := 0
	for i, w := range []int{3, 2, 7, 6, 5, 4, 3, 2} {
		sum += w * int(d[i]-'0')
	}
	return (11-sum%11)%11 == int(d[8]-'0')
}

// masked shows the day of birth in an id and hides the rest. What is too
// short to hide anything is hidden whole.
func masked(id token.Secret) string {
	const shown, hidden = 6, "····"
	switch text := id.Reveal(); {
	case text == "":
		return ""
	case len(text) != shown+len("0000"):
		return hidden
	default:
		return text[:shown] + "-" + hidden
	}
}
