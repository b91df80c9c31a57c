package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/consentd/consentd/token"
)

func newKeyring(t testing.TB) *token.Keyring {
	t.Helper()
	k, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyringOpensWhatItSealed(t *testing.T) {
	k := newKeyring(t)
	box, err := k.Seal(token.PurposeGrant, []byte("plain"), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(box, []byte("plain")) {
		t.Error("the box shows what is in it")
	}
	if got, err := k.Open(token.PurposeGrant, box, "a", "b"); err != nil || string(got) != "plain" {
		t.Errorf("Open = %q, %v", got, err)
	}
}

func TestKeyringRefusesAnotherPlace(t *testing.T) {
	k := newKeyring(t)
	box, err := k.Seal(token.PurposeGrant, []byte("plain"), "ab", "c")
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(box)
	flipped[len(flipped)-1] ^= 1
	tests := map[string]struct {
		keys    *token.Keyring
		purpose token.Purpose
		box     []byte
		place   []string
	}{
		"other fields":          {k, token.PurposeGrant, box, []string{"ab", "d"}},
		"same letters":          {k, token.PurposeGrant, box, []string{"a", "bc"}},
		"fewer fields":          {k, token.PurposeGrant, box, []string{"ab"}},
		"other purpose":         {k, token.PurposePerson, box, []string{"ab", "c"}},
		"other key":             {newKeyring(t), token.PurposeGrant, box, []string{"ab", "c"}},
		"a flipped bit":         {k, token.PurposeGrant, flipped, []string{"ab", "c"}},
		"nothing":               {k, token.PurposeGrant, nil, []string{"ab", "c"}},
		"shorter than a header": {k, token.PurposeGrant, box[:4], []string{"ab", "c"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := test.keys.Open(test.purpose, test.box, test.place...); !errors.Is(err, token.ErrSealBroken) {
				t.Errorf("Open error = %v, want ErrSealBroken", err)
			}
		})
	}
}

func TestKeyringSurvivesItsFile(t *testing.T) {
	k := newKeyring(t)
	box, err := k.Seal(token.PurposePerson, []byte("plain"), "x")
	if err != nil {
		t.Fatal(err)
	}
	index, err := k.Index("customer", "anna")
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := k.Write(&file); err != nil {
		t.Fatal(err)
	}
	again, err := token.ReadKeyring(&file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(token.PurposePerson, box, "x"); err != nil || string(got) != "plain" {
		t.Errorf("Open = %q, %v", got, err)
	}
	if got, err := again.Index("customer", "anna"); err != nil || !bytes.Equal(got, index) {
		t.Errorf("Index = %x, %v, want %x", got, err, index)
	}
	if other, _ := again.Index("custome", "ranna"); bytes.Equal(other, index) {
		t.Error("other fields have the same index")
	}
}

func TestReadKeyringNamesWhatIsWrong(t *testing.T) {
	var good bytes.Buffer
	if err := newKeyring(t).Write(&good); err != nil {
		t.Fatal(err)
	}
	change := func(f func(map[string]json.RawMessage)) string {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(good.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		f(m)
		out, _ := json.Marshal(m)
		return string(out)
	}
	tests := map[string]string{
		"not a JSON object":      "nonsense",
		"no grant keyset":        change(func(m map[string]json.RawMessage) { delete(m, "grant") }),
		"no purpose of ours":     change(func(m map[string]json.RawMessage) { m["other"] = m["grant"] }),
		"flow keyset cannot":     change(func(m map[string]json.RawMessage) { m["flow"] = json.RawMessage(`{}`) }),
		"person keyset does not": change(func(m map[string]json.RawMessage) { m["person"] = m["index"] }),
	}
	for want, file := range tests {
		if _, err := token.ReadKeyring(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}
}

func FuzzKeyringOpen(f *testing.F) {
	k := newKeyring(f)
	box, err := k.Seal(token.PurposeGrant, []byte("plain"), "x")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(box, "x")
	f.Add([]byte{1, 2, 3, 4, 5}, "")
	f.Fuzz(func(t *testing.T, b []byte, place string) {
		plain, err := k.Open(token.PurposeGrant, b, place)
		if err == nil && (!bytes.Equal(b, box) || place != "x") {
			t.Errorf("opened a forged box to %q", plain)
		}
	})
}

func TestSecretRefusesToPrint(t *testing.T) {
	const text = "hunter2"
	s := token.Secret(text)
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("x", "s", s, "any", struct{ S token.Secret }{s}, "list", []token.Secret{s},
			"grant", token.Grant{Access: s}, "who", token.Identity{NationalID: s})
	}
	printed := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		printed += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, token.Access{Token: s, NationalID: s}) + fmt.Sprintf(verb, &token.Grant{Refresh: s})
	}
	asJSON, err := json.Marshal(map[string]any{"s": s, "a": token.Access{Token: s}})
	if err != nil {
		t.Fatal(err)
	}
	printed += string(asJSON)
	for _, leak := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("%d", []byte(text))} {
		if strings.Contains(printed, leak) {
			t.Errorf("%q is in %s", leak, printed)
		}
	}
	if s.Reveal() != text || !s.Equal(text) || s.Equal("other") {
		t.Error("Reveal or Equal is wrong")
	}
}

func BenchmarkSealAndOpen(b *testing.B) {
	k := newKeyring(b)
	plain := bytes.Repeat([]byte("x"), 2048)
	box, err := k.Seal(token.PurposeGrant, plain, "a", "b", "c")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("seal 2 KiB", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Seal(token.PurposeGrant, plain, "a", "b", "c"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open 2 KiB", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Open(token.PurposeGrant, box, "a", "b", "c"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
