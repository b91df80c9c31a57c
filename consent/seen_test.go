package consent_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestStaffSeeBothClocksAndAMaskedID(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		seen, err := h.See(t.Context(), audur, p.id, "customer-called")
		must(t, err)
		if id := seen.NationalID; len(id) != len("010190-····") || !strings.HasSuffix(id, "-····") {
			t.Errorf("national id = %q, want the day of birth and no more", id)
		}
		if k := seen.Token; k.Generation != 1 || !k.ExpiresAt.After(k.IssuedAt) {
			t.Errorf("token = %+v, want its clock", k)
		}
		plain, err := h.History(t.Context(), p.id)
		must(t, err)
		if plain.NationalID != "" || strings.Contains(fmt.Sprintf("%+v", plain), seen.NationalID) {
			t.Errorf("history = %+v, want nothing of the person", plain)
		}
	})
}
