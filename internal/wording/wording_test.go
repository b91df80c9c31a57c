package wording

import (
	"testing"
	"time"
)

func TestTheNumberChoosesTheForm(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lang, key string
		n         int
		args      []any
		want      string
	}{
		{"en", "bar.left", 1, []any{90}, "1 of 90 days left"},
		{"en", "stop.once", 1, nil, "The access ends at once, 1 day before its time."},
		{"en", "stop.once", 21, nil, "The access ends at once, 21 days before its time."},
		{"is", "bar.left", 1, []any{90}, "1 dagur eftir af 90"},
		{"is", "bar.left", 3, []any{90}, "3 dagar eftir af 90"},
		{"is", "bar.left", 11, []any{90}, "11 dagar eftir af 90"},
		{"is", "bar.left", 21, []any{90}, "21 dagur eftir af 90"},
		{"is", "bar.left", 0, []any{90}, "0 dagar eftir af 90"},
		{"is", "stop.once", 31, nil, "Aðganginum lýkur strax, 31 degi áður en hann rennur út."},
		{"is", "stop.once", 30, nil, "Aðganginum lýkur strax, 30 dögum áður en hann rennur út."},
		{"is", "mail.warning.text", 3, []any{"A", "B", "1. mars 2027"}, "Aðgangurinn (A – B) rennur út eftir 3 daga, 1. mars 2027."},
		{"is", "mail.warning.text", 81, []any{"A", "B", "1. mars 2027"}, "Aðgangurinn (A – B) rennur út eftir 81 dag, 1. mars 2027."},
		{"sv", "stop.once", 1, nil, "Åtkomsten upphör genast, 1 dag i förtid."},
		{"sv", "stop.once", 21, nil, "Åtkomsten upphör genast, 21 dagar i förtid."},
	} {
		if got, err := In(test.lang).Count(test.key, test.n, test.args...); err != nil || got != test.want {
			t.Errorf("%s: Count(%s, %d) = %q, %v; want %q", test.lang, test.key, test.n, got, err, test.want)
		}
	}
}

func TestDaysAreWrittenAsTheLanguageDoes(t *testing.T) {
	t.Parallel()
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	late := time.Date(2027, 3, 3, 23, 30, 0, 0, time.UTC)
	for lang, want := range map[string][2]string{
		"en": {"3 March 2027", "4 March 2027"}, "is": {"3. mars 2027", "4. mars 2027"}, "sv": {"3 mars 2027", "4 mars 2027"},
	} {
		if got := [2]string{In(lang).Day(late, nil), In(lang).Day(late, stockholm)}; got != want {
			t.Errorf("%s: Day = %q, want %q", lang, got, want)
		}
	}
	if got := In("is").Day(late.AddDate(0, 2, 0), nil); got != "3. maí 2027" {
		t.Errorf("Day = %q", got)
	}
}

func TestBest(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "en", "is": "is", "is-IS,is;q=0.9,en;q=0.8": "is", "sv-FI": "sv", "sv-SE,en;q=0.5": "sv", "en-US": "en", "en;q=0.3,sv;q=0.4": "sv",
		"da": "en", "nb-NO": "en", "fo": "en", "fi": "en", "de,is;q=0.5": "is", "*": "en", "is;q=x": "en", "\x00": "en", "da,sv;q=0.8": "sv",
	} {
		if got := Best(header); got != want {
			t.Errorf("Best(%q) = %s, want %s", header, got, want)
		}
	}
}

func TestWhatIsMissingIsAnError(t *testing.T) {
	t.Parallel()
	x := In("is")
	if got, err := x.Text("no.such"); err == nil || got != "" || x.Has("no.such") {
		t.Errorf("Text = %q, %v", got, err)
	}
	if got, err := x.Count("no.such", 1); err == nil || got != "" {
		t.Errorf("Count = %q, %v", got, err)
	}
	if got, err := x.Text("ask.notnow", "unused"); err != nil || got != "Ekki núna" {
		t.Errorf("Text = %q, %v", got, err)
	}
	if got, _ := In("fo").Text("language"); got != "English" {
		t.Errorf("a language that we do not speak is %s", got)
	}
}

func TestWordingNamesWhatWasSaid(t *testing.T) {
	t.Parallel()
	ask := string(In("sv").Wording("ask.", "scope."))
	if ask != string(In("sv").Wording("ask.", "scope.")) || ask == string(In("is").Wording("ask.", "scope.")) {
		t.Error("the wording of a page does not name it")
	}
	if string(In("sv").Wording("no.such")) != "" {
		t.Error("a prefix without texts has a wording")
	}
}
