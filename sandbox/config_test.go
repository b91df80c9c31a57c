package sandbox_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
	"github.com/go-jose/go-jose/v4"
)

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := sandbox.New(sandbox.Config{
		Issuer:    "http://bank.test/path",
		AccessTTL: -1,
		Clients: []sandbox.Client{
			{ID: "a", RedirectURIs: []string{"/relative"}},
			{ID: "a", Secret: "s"},
			{Secret: "s", RedirectURIs: []string{"http://x/#fragment"}},
			{ID: "k", RedirectURIs: []string{"http://x/"}, JWKS: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: []byte("secret"), KeyID: "sym"}}}},
		},
	})
	if err == nil {
		t.Fatal("New succeeds")
	}
	for _, want := range []string{
		`issuer "http://bank.test/path"`, "a lifetime is negative", `client "a" is given twice`,
		"neither secret nor keys", `redirect address "/relative"`, "no redirect address", "no id",
		`redirect address "http://x/#fragment"`, `key "sym"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v\nwant %q in it", err, want)
		}
	}
	if _, err := sandbox.New(sandbox.Config{Issuer: issuer}); err == nil || !strings.Contains(err.Error(), "no client") {
		t.Errorf("New without clients = %v", err)
	}
}

func TestParseRotation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sandbox.Rotation{
		"none": sandbox.None(), "strict": sandbox.Strict(), "grace:30s": sandbox.Grace(30 * time.Second),
	} {
		got, err := sandbox.ParseRotation(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseRotation(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "grace", "grace:", "grace:0s", "grace:-1s", "Strict", "grace:soon"} {
		if _, err := sandbox.ParseRotation(text); err == nil {
			t.Errorf("ParseRotation(%q) succeeds", text)
		}
	}
}

func TestUsersAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	var got []string
	for _, u := range newRig(t).Users() {
		got = append(got, strings.Join([]string{u.UserName, u.Kennitala, u.Primary, u.Secondary, u.Comment}, "|"))
	}
	want := `JONGUNARS|0101809999|013826010180|015826010180|
SIGGIOLAFS|0201809999|||Any accounts will not be found
GUDEINARS|0301809999|013826030180|015826030180|The primary account will not be of the right type
GUDGUNNARS|0401809999|013826040180|015826040180|
ANNAEINARS|0501809999|013826050180|015826050180|Has used up the daily limit on her primary account
KRISTOLAFS|0601809999|013826060180|015826060180|`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("Users() =\n%s\nwant\n%s", text, want)
	}
}

// TestImportsNothingOfConsentd keeps the bank usable, and believable, alone.
func TestImportsNothingOfConsentd(t *testing.T) {
	t.Parallel()
	const own = "github.com/consentd/consentd/sandbox"
	for dir, allowed := range map[string][]string{".": nil, "../cmd/sandboxbank": {own, own + "/workforce"}} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no Go files in %s: %v", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range file.Imports {
				path := strings.Trim(spec.Path.Value, `"`)
				if strings.HasPrefix(path, "github.com/consentd/") && !slices.Contains(allowed, path) {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
