package web_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/web"
)

// block is a fenced piece of docs/api.md.
type block struct{ section, kind, text string }

func blocksOf(t *testing.T, file string) []block {
	t.Helper()
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var section string
	var open *block
	for line := range strings.Lines(string(doc)) {
		switch fence, isFence := strings.CutPrefix(line, "```"); {
		case isFence && open == nil:
			open = &block{section: section, kind: strings.TrimSpace(fence)}
		case isFence:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line
		case strings.HasPrefix(line, "## "):
			section = strings.TrimSpace(line[3:])
		case strings.HasPrefix(line, "    curl"):
			t.Errorf("a command that no test runs: %s", line)
		}
	}
	return all
}

// words splits a command as a shell does, as far as the commands of the
// reference go: both quotes, variables, and lines that go on.
func words(t *testing.T, command string, vars map[string]string) []string {
	t.Helper()
	var out []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(command); i++ {
		c := command[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case quote != '\'' && c == '$':
			end := i + 1
			for end < len(command) && command[end] >= 'A' && command[end] <= 'Z' {
				end++
			}
			value, known := vars[command[i+1:end]]
			if !known {
				t.Fatalf("the reference has an unknown variable $%s", command[i+1:end])
			}
			word.WriteString(value)
			i, inWord = end-1, true
		case quote == 0 && c == '\\' && i+1 < len(command) && command[i+1] == '\n':
			i++
		case quote == '"' && c == '\\' && i+1 < len(command) && command[i+1] == '"':
			word.WriteByte('"')
			i++
		case quote == 0 && (c == ' ' || c == '\n'):
			if inWord {
				out = append(out, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		t.Fatalf("a quote stays open in:\n%s", command)
	}
	if inWord {
		out = append(out, word.String())
	}
	return out
}

// curl sends what curl would.
func (w *world) curl(t *testing.T, args []string) reply {
	t.Helper()
	if len(args) == 0 || args[0] != "curl" {
		t.Fatalf("not a curl command: %q", args)
	}
	method, address, data, header := "", "", "", http.Header{}
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "-sS":
			continue
		case "-X", "-H", "-d", "-u":
			if i+1 == len(args) {
				t.Fatalf("%s without a value", args[i])
			}
			if args[i] == "-X" {
				method = args[i+1]
			} else if args[i] == "-d" && data != "" {
				data += "&" + args[i+1]
			} else if args[i] == "-d" {
				data = args[i+1]
			} else if args[i] == "-u" {
				header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(args[i+1])))
			} else {
				name, value, _ := strings.Cut(args[i+1], ": ")
				header.Set(name, value)
			}
			i++
		default:
			if address != "" || strings.HasPrefix(args[i], "-") {
				t.Fatalf("the test does not know %q", args[i])
			}
			address = args[i]
		}
	}
	if method == "" {
		method = http.MethodGet
		if data != "" {
			method = http.MethodPost
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(data))
	w.check(err)
	r.Header = header
	if data != "" && header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl does
	}
	return w.send(http.DefaultClient, r)
}

// TestTheReferenceIsTrue runs the commands of docs/api.md, in their order, and
// compares the answers with those that it shows.
func TestTheReferenceIsTrue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.limit = web.Limit{Requests: 6000, Per: time.Minute} })
	vars := map[string]string{"CONSENTD": w.url, "KEY": w.key.Reveal()}
	// What holds only on the day it was written, and in this test's world.
	here := strings.NewReplacer(`"bank": "landsbankinn"`, `"bank": "sandbox"`, "bank=landsbankinn", "bank=sandbox",
		"2027-01-31T00:00:00Z", time.Now().Add(30*day).UTC().Format(time.RFC3339))
	var last *reply
	var section string
	ran := map[string]int{}
	for _, b := range blocksOf(t, "../docs/api.md") {
		if b.section != section {
			section, last = b.section, nil
		}
		if b.kind == "json" && last != nil {
			w.comparesWith(t, b, *last)
		}
		if b.kind != "sh" {
			continue
		}
		own := maps.Clone(vars)
		if section == "Confirm the customer" {
			own["ID"], own["CODE"] = w.unconfirmed()
		}
		r := w.curl(t, words(t, here.Replace(b.text), own))
		last = &r
		ran[section]++
		if section == "Ask for a consent" {
			vars["ID"] = r.str("id")
			w.newBrowser().visit(strings.TrimPrefix(r.str("page_url"), w.url), sandbox.Customer{User: gudrun})
		}
		if want := map[bool]int{true: 201, false: 200}[section == "Ask for a consent"]; r.status != want {
			t.Errorf("%s: status = %d %s, want %d", section, r.status, r.text, want)
		}
	}
	want := []string{"Ask for a consent", "Confirm the customer", "Forget a customer", "Get an access token", "List", "Look at a consent", "Poll for events", "Prove", "Renew", "Show customers what they gave you", "Stop", "Token exchange", "When the bank answers 401 or 403", "Who you are, and what you may do"}
	if got := slices.Sorted(maps.Keys(ran)); !slices.Equal(got, want) {
		t.Errorf("commands ran in the sections %q, want %q", got, want)
	}
}

// TestTheReadmeIsTrue runs its way through a payment service's calls.
func TestTheReadmeIsTrue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here := strings.NewReplacer("https://consent.example.is", w.url, "landsbankinn-sandbox", "sandbox")
	vars := map[string]string{"KEY": w.key.Reveal()}
	var statuses []int
	for _, b := range blocksOf(t, "../README.md") {
		for command := range strings.SplitSeq(strings.ReplaceAll(b.text, "\\\n", ""), "\n") {
			command, _, _ = strings.Cut(command, "#")
			if b.kind != "sh" || strings.TrimSpace(command) == "" {
				continue
			}
			r := w.curl(t, words(t, here.Replace(command), vars))
			statuses = append(statuses, r.status)
			if page := r.str("page_url"); page != "" {
				browser := w.newBrowser()
				u, err := url.Parse(browser.get(browser.visit(strings.TrimPrefix(page, w.url), sandbox.Customer{User: gudrun}) + "/return").header.Get("Location"))
				w.check(err)
				vars["ID"], vars["CODE"] = u.Query().Get("consent_id"), u.Query().Get("code")
			}
		}
	}
	if want := []int{http.StatusCreated, http.StatusOK, http.StatusOK}; !slices.Equal(statuses, want) {
		t.Errorf("the commands of README.md came to %v, want %v", statuses, want)
	}
}

// unconfirmed is a consent that waits for its code.
func (w *world) unconfirmed() (id, code string) {
	w.t.Helper()
	id, page := w.ask(nil)
	b := w.newBrowser()
	u, err := url.Parse(b.get(b.visit(page, sandbox.Customer{User: gudrun}) + "/return").header.Get("Location"))
	w.check(err)
	return id, u.Query().Get("code")
}

// comparesWith compares the members of an answer with those of an example.
func (w *world) comparesWith(t *testing.T, b block, r reply) {
	t.Helper()
	var shown map[string]any
	if err := json.Unmarshal([]byte(b.text), &shown); err != nil {
		t.Errorf("%s: the example is not JSON: %v", b.section, err)
		return
	}
	if got, want := slices.Sorted(maps.Keys(r.json)), slices.Sorted(maps.Keys(shown)); !slices.Equal(got, want) {
		t.Errorf("%s: the answer has the members %q, the reference shows %q", b.section, got, want)
	}
	if next := r.str("next"); next != "" && next != shown["next"] {
		t.Errorf("%s: next = %q, the reference shows %q", b.section, next, shown["next"])
	}
}

// TestTheReferenceKnowsAllWords: what an app may have to compare with.
func TestTheReferenceKnowsAllWords(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"consent.granted", "consent.renewed", "consent.recovered", "consent.expiring", "consent.expired", "consent.revoked", "consent.needs_renewal", "consent.rejected",
		"confirmed", "unsupported", "failed"}
	for _, v := range []consent.Reported{consent.ReportedAlive, consent.ReportedBusiness, consent.ReportedEnded, consent.ReportedUnknown} {
		all = append(all, string(v))
	}
	for _, e := range []consent.Ending{consent.EndConnected, consent.EndRenewed, consent.EndUnconfirmed, consent.EndCancelled, consent.EndLeftOut,
		consent.EndWrongPerson, consent.EndNoIdentity, consent.EndCompany, consent.EndBankDown, consent.EndFailed, consent.EndUnknown} {
		all = append(all, string(e))
	}
	for _, s := range []consent.Status{consent.Received, consent.Valid, consent.Rejected, consent.PartiallyAuthorised, consent.Expired,
		consent.RevokedByPsu, consent.TerminatedByTpp, consent.TerminatedByAspsp} {
		all = append(all, string(s))
	}
	for _, word := range all {
		if !strings.Contains(string(doc), "`"+word+"`") {
			t.Errorf("docs/api.md does not know %q", word)
		}
	}
}

// TestTheReferenceListsEveryCall that the contract has and we serve, and no
// other.
func TestTheReferenceListsEveryCall(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		call, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | [")
		if method, _, isCall := strings.Cut(call, " /"); ok && isCall && method == strings.ToUpper(method) {
			listed[call] = true
		}
	}
	for path, item := range contractOf(t).Paths.Map() {
		for method := range item.Operations() {
			call := method + " " + path
			if strings.HasSuffix(path, "/bank/{path}") {
				call = "ANY " + path
			}
			if !listed[call] {
				t.Errorf("%s is not in docs/api.md", call)
			}
		}
	}
	for call := range listed {
		method, path, _ := strings.Cut(call, " ")
		item := contractOf(t).Paths.Value(path)
		if item == nil || (method != "ANY" && item.GetOperation(method) == nil) {
			t.Errorf("docs/api.md has %s, which the contract has not", call)
		}
	}
}
