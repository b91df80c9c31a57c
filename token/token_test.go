package token_test

import (
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/token"
)

func TestNewReportsAllMistakes(t *testing.T) {
	_, err := token.New(token.Config{Lease: time.Second, BankDeadline: time.Second, Margin: time.Second,
		Banks: map[string]token.BankEntry{"b": {}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"keys", "lease", `bank "b"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
