package consent_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

func idsOf(found []consent.Consent) []consent.ID {
	var ids []consent.ID
	for _, c := range found {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestFindByCustomer(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		older := h.granted(t)
		time.Sleep(time.Hour)
		newer := h.ask(t, consent.Request{})
		found, err := h.FindByCustomer(t.Context(), "shop", "customer-1")
		must(t, err)
		if got, want := idsOf(found), []consent.ID{newer.id, older.id}; !slices.Equal(got, want) {
			t.Errorf("found %v, want %v", got, want)
		}
		for _, c := range found {
			if c.Personal != nil {
				t.Errorf("consent %s comes with its sealed personal data", c.ID)
			}
		}
		for _, other := range [][2]string{{"shop", "customer-2"}, {"lender", "customer-1"}} {
			found, err := h.FindByCustomer(t.Context(), other[0], token.Secret(other[1]))
			if err != nil || len(found) != 0 {
				t.Errorf("FindByCustomer(%v) = %v, %v, want nothing", other, idsOf(found), err)
			}
		}
	})
}

func TestFindByPerson(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		granted := h.granted(t)
		h.ask(t, consent.Request{Expected: gudrunID}) // never granted
		unconfirmed := h.ask(t, consent.Request{})
		wantEnding(t, unconfirmed.visit(t, sandbox.Customer{User: gudrun}), consent.EndUnconfirmed)
		for _, id := range []token.Secret{gudrunID, "040180-9999"} {
			found, err := h.FindByPerson(t.Context(), consent.Kennitala, id)
			must(t, err)
			if got, want := idsOf(found), []consent.ID{granted.id}; !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
		}
		if found, err := h.FindByPerson(t.Context(), consent.Kennitala, "0101809999"); err != nil || len(found) != 0 {
			t.Errorf("FindByPerson(somebody else) = %v, %v, want nothing", idsOf(found), err)
		}
		_, err := h.FindByPerson(t.Context(), consent.Kennitala, "12345")
		if _, ok := errors.AsType[*consent.Invalid](err); !ok {
			t.Errorf("FindByPerson(five digits) = %v, want *Invalid", err)
		}
	})
}

func TestFindLeavesOutWhatIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		for _, key := range h.redis.Keys() {
			if key == "{p:"+p.id.Partition()+"}:consent:"+string(p.id) {
				h.redis.Del(key)
			}
		}
		found, err := h.FindByCustomer(t.Context(), "shop", "customer-1")
		if err != nil || len(found) != 0 {
			t.Errorf("FindByCustomer = %v, %v, want nothing", idsOf(found), err)
		}
	})
}

func TestHistory(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		for range 2 {
			_, err := p.token(t, consent.TokenRequest{})
			must(t, err)
		}
		got, err := h.History(t.Context(), p.id)
		must(t, err)
		var events []string
		for _, e := range got.Timeline {
			events = append(events, e.Event)
		}
		if want := []string{"requested", "authorizing", "granted"}; !slices.Equal(events, want) {
			t.Errorf("timeline %v, want %v", events, want)
		}
		day := time.Now().UTC().Format(time.DateOnly)
		if got.Uses[day] != 2 || got.Consent.Status != consent.Valid || got.Consent.Personal != nil {
			t.Errorf("history = %+v", got)
		}
		partition := "00"
		if p.id.Partition() == partition {
			partition = "01"
		}
		unknown := consent.ID("cns_" + partition + string(p.id[6:]))
		wantErr(t, second(h.History(t.Context(), unknown)), consent.ErrNotFound)
	})
}

func TestFindWithoutStore(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.redis.SetError("LOADING")
		defer h.redis.SetError("")
		wantErr(t, second(h.FindByCustomer(t.Context(), "shop", "customer-1")), token.ErrStoreUnavailable)
		wantErr(t, second(h.FindByPerson(t.Context(), consent.Kennitala, gudrunID)), token.ErrStoreUnavailable)
		wantErr(t, second(h.History(t.Context(), p.id)), token.ErrStoreUnavailable)
	})
}
