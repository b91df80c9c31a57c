package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/sandbox"
	"github.com/google/go-cmp/cmp"
)

// order is the page's own example, which pays from an account of Jón.
func order(changes ...string) string {
	body := `{"EndToEndIdentification":"sandboxcase0",
		"DebtorAccount":{"OwnerId":"0101809999","Id":"013826010180"},
		"DepositAccount":{"OwnerId":"0401809999","Id":"013826040180"},
		"Amount":{"Currency":"ISK","Amount":10},"ExtendedReference":"extref"}`
	return strings.NewReplacer(changes...).Replace(body)
}

// orderOf is the example with another debtor.
func orderOf(kennitala, account string) string {
	return order(`"DebtorAccount":{"OwnerId":"0101809999","Id":"013826010180"}`,
		fmt.Sprintf(`"DebtorAccount":{"OwnerId":%q,"Id":%q}`, kennitala, account))
}

func orderFor(amount string) string { return order(`"Amount":10`, `"Amount":`+amount) }

// pay posts an order under a request id and returns the answer.
func (r *rig) pay(access, requestID, body string) *http.Response {
	r.t.Helper()
	return r.api(http.MethodPost, "", access, body, "X-Request-ID", requestID)
}

// row is what a caller sees of the error table.
type row struct {
	status              int
	Code, Name, Message string
}

func (r *rig) row(res *http.Response) row {
	r.t.Helper()
	got := row{status: res.StatusCode}
	r.decode(res, &got)
	return got
}

// errorCase provokes one row of the error table.
type errorCase struct {
	status              int
	name, code, message string
	cause               string
	user                string // default JONGUNARS
	untick              []string
	prepare             func(r *rig)
	method, path, body  string
	headers             []string
}

// errorTable is that of the bank's page, row by row and in its order. Rows
// with several causes come more than once.
func errorTable() []errorCase {
	const post, get = http.MethodPost, http.MethodGet
	return []errorCase{
		{400, "BadRequest", "ERR_80102_000", "Your request could not be processed", "no JSON", "", nil, nil, post, "", "{", nil},
		{400, "BadRequest", "ERR_80102_000", "Your request could not be processed", "more than one object", "", nil, nil, post, "", order() + "{}", nil},
		{400, "BadRequest", "ERR_80102_000", "Your request could not be processed", "no amount", "", nil, nil, post, "", order(`,"Amount":10`, ""), nil},
		{400, "BadRequest", "ERR_80102_000", "Your request could not be processed", "amount as text", "", nil, nil, post, "", orderFor(`"10"`), nil},
		{400, "BadRequest", "ERR_80102_000", "Your request could not be processed", "aurar", "", nil, nil, post, "", orderFor("10.5"), nil},
		{400, "BadRequest", "ERR_80102_000", "Your request could not be processed", "oversized", "", nil, nil, post, "", order("extref", strings.Repeat("x", 1<<17)), nil},
		{400, "BadRequest", "ERR_80102_000", "Your request could not be processed", "foreign payee", "", nil, nil, post, "", order("013826040180", "DE89370400440532013000"), nil},
		{400, "InvalidAccountProduct", "ERR_80102_100", "Invalid account for 3rd party transfer", "case 2", "GUDEINARS", nil, nil, post, "", orderOf("0301809999", "013826030180"), nil},
		{400, "NonISKAmount", "ERR_80102_101", "Only ISK payments are supported", "euro", "", nil, nil, post, "", order("ISK", "EUR"), nil},
		{400, "NonISKAmount", "ERR_80102_101", "Only ISK payments are supported", "no currency", "", nil, nil, post, "", order(`"Currency":"ISK",`, ""), nil},
		{400, "InvalidInitationId", "ERR_80102_102", "Initiation Id cannot be empty string", "no id", "", nil, nil, get, "/", "", nil},
		{400, "InvalidInitationId", "ERR_80102_102", "Initiation Id cannot be empty string", "no id and no slash", "", nil, nil, get, "", "", nil},
		{400, "InvalidInitationId", "ERR_80102_102", "Initiation Id cannot be empty string", "status of no id", "", nil, nil, get, "//Status", "", nil},
		{400, "ZeroOrNegativeAmount", "ERR_80102_103", "The payment amount cannot be zero or negative", "zero", "", nil, nil, post, "", orderFor("0"), nil},
		{400, "ZeroOrNegativeAmount", "ERR_80102_103", "The payment amount cannot be zero or negative", "negative", "", nil, nil, post, "", orderFor("-1"), nil},
		{400, "OverDailyAmount", "ERR_80102_104", "User exceeded daily amount limit", "case 4", "ANNAEINARS", nil, nil, post, "", orderOf("0501809999", "013826050180"), nil},
		{400, "OverDailyAmount", "ERR_80102_104", "User exceeded daily amount limit", "too much at once", "", nil, nil, post, "", orderFor("200001"), nil},
		{400, "AmountUnavailable", "ERR_80102_105", "The payment amount requested is not available in the debtor account", "case 3", "", nil, nil, post, "", order("013826010180", "015826010180"), nil},
		{400, "AmountUnavailable", "ERR_80102_105", "The payment amount requested is not available in the debtor account", "case 3 before case 4", "ANNAEINARS", nil, nil, post, "", orderOf("0501809999", "015826050180"), nil},
		{400, "RequestIdHeaderMissing", "ERR_80102_106", "x-request-id header is missing from request", "", "", nil, nil, post, "", order(), []string{"X-Request-ID", ""}},
		{400, "InvalidRequestHeader", "ERR_80102_107", "x-request-id header is invalid", "hyphens", "", nil, nil, post, "", order(), []string{"X-Request-ID", "a-b"}},
		{400, "InvalidRequestHeader", "ERR_80102_107", "x-request-id header is invalid", "36 characters", "", nil, nil, post, "", order(), []string{"X-Request-ID", strings.Repeat("a", 36)}},
		{401, "Unauthorized", "ERR_80102_000", "You are unauthorized to perform this action", "no token", "", nil, nil, post, "", order(), []string{"Authorization", ""}},
		{401, "Unauthorized", "ERR_80102_000", "You are unauthorized to perform this action", "no payments scope", "", []string{"payments"}, nil, post, "", order(), nil},
		{401, "Unauthorized", "ERR_80102_000", "You are unauthorized to perform this action", "token expired", "", nil, func(r *rig) { r.Advance(5 * time.Minute) }, get, "/BAA1234ABCDE1234", "", nil},
		{401, "Unauthorized", "ERR_80102_000", "You are unauthorized to perform this action", "withdrawn", "", nil, func(r *rig) { r.Withdraw("JONGUNARS", "shop") }, post, "", order(), nil},
		{401, "Unauthorized", "ERR_80102_000", "You are unauthorized to perform this action", "no apikey", "", nil, nil, post, "", order(), []string{"apikey", ""}},
		{401, "Unauthorized", "ERR_80102_000", "You are unauthorized to perform this action", "another client's apikey", "", nil, nil, post, "", order(), []string{"apikey", "key-other"}},
		{401, "AccountAccessDenied", "ERR_80102_110", "Debtor account kennitala does not match user's kennitala", "another customer", "", nil, nil, post, "", orderOf("0401809999", "013826040180"), nil},
		{401, "AccountAccessDenied", "ERR_80102_110", "Debtor account kennitala does not match user's kennitala", "a company", "", nil, nil, post, "", orderOf("5001809999", "013826010180"), nil},
		{401, "NotAuthorizedToPost", "ERR_80102_111", "User is not authorized to create initiation", "barred", "", nil, func(r *rig) { r.Bar("JONGUNARS", true) }, post, "", order(), nil},
		{401, "NotAuthorizedToGet", "ERR_80102_112", "User is unathorized to get initation", "another customer's", "GUDGUNNARS", nil, nil, get, "/{jon}", "", nil},
		{401, "NotAuthorizedToGet", "ERR_80102_112", "User is unathorized to get initation", "status of another customer's", "GUDGUNNARS", nil, nil, get, "/{jon}/Status", "", nil},
		{404, "NotFound", "ERR_80102_000", "Resource not found", "unknown part", "", nil, nil, get, "/BAA1234ABCDE1234/Receipt", "", nil},
		{404, "NotFound", "ERR_80102_000", "Resource not found", "other version", "", nil, nil, get, "/../../v2/CreditTransfers/x", "", nil},
		{404, "NotFound", "ERR_80102_000", "Resource not found", "other method", "", nil, nil, http.MethodDelete, "/BAA1234ABCDE1234", "", nil},
		{404, "InitiationNotFound", "ERR_80102_120", "Initiation not found", "", "", nil, nil, get, "/BAA0000XXXXX0000", "", nil},
		{404, "InitiationNotFound", "ERR_80102_120", "Initiation not found", "its status", "", nil, nil, get, "/BAA0000XXXXX0000/Status", "", nil},
		{404, "DebtorAccountNotFound", "ERR_80102_121", "Debtor account not found", "case 1", "SIGGIOLAFS", nil, nil, post, "", orderOf("0201809999", "013826020180"), nil},
		{404, "DebtorAccountNotFound", "ERR_80102_121", "Debtor account not found", "case 1, no account", "SIGGIOLAFS", nil, nil, post, "", orderOf("0201809999", ""), nil},
		{500, "InternalServerError", "ERR_80102_000", "Internal Server Error", "fault on demand", "", nil, func(r *rig) { r.Fail(sandbox.EndpointPayments, 1, sandbox.Fault{}) }, post, "", order(), nil},
	}
}

// TestErrorTable walks every row.
func TestErrorTable(t *testing.T) {
	t.Parallel()
	rows := make(map[string]bool)
	for _, c := range errorTable() {
		rows[c.name] = true
		t.Run(c.name+" "+c.cause, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			user := c.user
			if user == "" {
				user = "JONGUNARS"
			}
			path := c.path
			if before, after, ok := strings.Cut(path, "{jon}"); ok {
				path = before + r.initiate("JONGUNARS") + after
			}
			access := r.grant(user, c.untick...).Access
			if c.prepare != nil {
				c.prepare(r)
			}
			headers := append([]string{"X-Request-ID", "1234"}, c.headers...)
			got := r.row(r.api(c.method, path, access, c.body, headers...))
			want := row{c.status, c.code, c.name, c.message}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
	if len(rows) != 17 {
		t.Errorf("the test walks %d rows, the table has 17", len(rows))
	}
}

// initiate pays the example as user and returns the id of the initiation.
func (r *rig) initiate(user string) string {
	r.t.Helper()
	res := r.pay(r.grant(user).Access, "first1", order())
	if res.StatusCode != http.StatusCreated {
		r.t.Fatalf("POST = %s, want 201", res.Status)
	}
	return strings.Trim(strings.TrimPrefix(res.Header.Get("Location"), transfers), "/")
}

func TestPostedInitiationCanBeReadBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) {
		c.Now = func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }
	})
	access := r.grant("JONGUNARS").Access
	res := r.pay(access, "1234", order("OwnerId", "ownerID"))
	location := res.Header.Get("Location")
	if res.StatusCode != http.StatusCreated || !strings.HasPrefix(location, transfers+"/BAA") || !strings.HasSuffix(location, "/") {
		t.Fatalf("POST = %s, Location %q", res.Status, location)
	}
	path := strings.TrimPrefix(location, transfers)
	want := fmt.Sprintf(`{"id":%q,"paymentDate":"2026-11-01T12:00:00Z","status":"ACCC","endToEndIdentification":"sandboxcase0",`+
		`"debtorAccount":{"id":"013826010180","ownerId":"0101809999"},"depositAccount":{"id":"013826040180","ownerId":"0401809999"},`+
		`"amount":{"amount":10,"currency":"ISK"},"extendedReference":"extref"}`, strings.Trim(path, "/"))
	if got := strings.TrimSpace(r.text(r.api(http.MethodGet, path, access, ""))); got != want {
		t.Errorf("GET = %s\nwant  %s", got, want)
	}
	for _, status := range []string{path + "Status", path + "/status", strings.TrimSuffix(path, "/") + "/Status/"} {
		if got := strings.TrimSpace(r.text(r.api(http.MethodGet, status, access, ""))); got != `"ACCC"` {
			t.Errorf("GET %s = %s, want \"ACCC\"", status, got)
		}
	}
}

func TestExampleInitiationIsForEverybody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, u := range r.Users() {
		var got map[string]any
		r.decode(r.api(http.MethodGet, "/BAA1234ABCDE1234", r.grant(u.UserName).Access, ""), &got)
		if _, err := time.Parse(time.RFC3339, got["paymentDate"].(string)); err != nil {
			t.Errorf("paymentDate: %v", err)
		}
		delete(got, "paymentDate")
		want := map[string]any{
			"id": "BAA1234ABCDE1234", "status": "ACCC", "endToEndIdentification": "endToEndId",
			"debtorAccount":     map[string]any{"id": u.Primary, "ownerId": u.Kennitala},
			"depositAccount":    map[string]any{"id": "015826040180", "ownerId": "0401809999"},
			"amount":            map[string]any{"amount": 1.0, "currency": "ISK"},
			"extendedReference": "extendedReference",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", u.UserName, diff)
		}
	}
}

func TestRequestIDIsIdempotentForADayAndAClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *sandbox.Config) { c.AccessTTL = 48 * time.Hour })
		access := r.grant("JONGUNARS").Access
		first := r.pay(access, "same", orderFor("150000")).Header.Get("Location")
		again := r.pay(access, "same", orderFor("150000"))
		if again.StatusCode != http.StatusCreated || again.Header.Get("Location") != first {
			t.Errorf("repeat = %s %s, want 201 %s", again.Status, again.Header.Get("Location"), first)
		}
		if got := r.pay(access, "same", "{").Header.Get("Location"); got != first {
			t.Errorf("repeat with another body = %q, want %q", got, first)
		}
		if got := r.row(r.pay(access, "other", orderFor("150000"))).Name; got != "OverDailyAmount" {
			t.Errorf("another id = %q, want OverDailyAmount: the repeat was not paid, the first was", got)
		}
		if got := r.pay(access, "other", orderFor("50000")); got.StatusCode != http.StatusCreated {
			t.Errorf("id of a refused order = %s, want 201: it initiated nothing", got.Status)
		}
		time.Sleep(day - time.Nanosecond)
		if got := r.pay(access, "same", order()).Header.Get("Location"); got != first {
			t.Errorf("just within 24 hours = %q, want %q", got, first)
		}
		time.Sleep(time.Nanosecond)
		if got := r.pay(access, "same", order()).Header.Get("Location"); got == first || got == "" {
			t.Errorf("after 24 hours = %q, want a new initiation", got)
		}
	})
}

func TestRequestIDsOfTwoClientsDoNotMeet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	shop := r.pay(r.grant("JONGUNARS").Access, "same", order()).Header.Get("Location")
	other := r.pay(r.grantTo("other", "other-secret", "GUDGUNNARS"), "same", orderOf("0401809999", "013826040180"))
	if got := r.row(other).Name; got != "Unauthorized" {
		t.Fatalf("other client's token with shop's apikey = %q, want Unauthorized", got)
	}
	res := r.api(http.MethodPost, "", r.grantTo("other", "other-secret", "JONGUNARS"), order(), "X-Request-ID", "same", "apikey", "key-other")
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusCreated || got == shop {
		t.Errorf("other client = %s %q, want a new initiation", res.Status, got)
	}
}

// grantTo is grant for another client than "shop".
func (r *rig) grantTo(client, secret, user string) (access string) {
	r.t.Helper()
	code := r.answer(sandbox.Customer{User: user}, authorizationURL("client_id", client)).Get("code")
	var got tokens
	r.decode(r.post("/as/token.oauth2", basic(client, secret), "grant_type", "authorization_code",
		"code", code, "redirect_uri", redirect, "code_verifier", verifier), &got)
	return got.Access
}

func TestDailyLimitIsPerCustomerOverAllClientsUntilMidnightGMT(t *testing.T) {
	t.Parallel()
	// Half an hour past midnight in Paris is still the day before in GMT.
	paris := time.FixedZone("CET", 3600)
	start := time.Date(2026, 11, 2, 0, 30, 0, 0, paris)
	r := newRig(t, func(c *sandbox.Config) {
		c.Now = func() time.Time { return start }
		c.AccessTTL = 48 * time.Hour
	})
	shop, other := r.grant("JONGUNARS").Access, r.grantTo("other", "other-secret", "JONGUNARS")
	payOther := func(id, amount string) *http.Response {
		return r.api(http.MethodPost, "", other, orderFor(amount), "X-Request-ID", id, "apikey", "key-other")
	}
	if got := r.pay(shop, "a", orderFor("120000")); got.StatusCode != http.StatusCreated {
		t.Fatalf("first = %s", got.Status)
	}
	if got := r.row(payOther("b", "80001")).Name; got != "OverDailyAmount" {
		t.Errorf("one króna too much through another app = %q, want OverDailyAmount", got)
	}
	if got := payOther("c", "80000"); got.StatusCode != http.StatusCreated {
		t.Errorf("exactly the limit = %s, want 201", got.Status)
	}
	r.Advance(30*time.Minute - time.Nanosecond)
	if got := r.row(r.pay(shop, "d", orderFor("1"))).Name; got != "OverDailyAmount" {
		t.Errorf("just before midnight GMT = %q, want OverDailyAmount", got)
	}
	r.Advance(time.Nanosecond)
	if got := r.pay(shop, "e", orderFor("200000")); got.StatusCode != http.StatusCreated {
		t.Errorf("at midnight GMT = %s, want 201", got.Status)
	}
}

func TestBarCanBeLifted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	access := r.grant("JONGUNARS").Access
	r.Bar("JONGUNARS", true)
	r.Bar("JONGUNARS", false)
	if got := r.pay(access, "1", order()); got.StatusCode != http.StatusCreated {
		t.Errorf("POST after the bar = %s, want 201", got.Status)
	}
}

func FuzzPostTransfer(f *testing.F) {
	b, err := sandbox.New(sandbox.Config{Issuer: issuer, Clients: []sandbox.Client{
		{ID: "shop", Secret: "s+cr/t", APIKey: "key-shop", RedirectURIs: []string{redirect}},
	}, AccessTTL: 80 * day})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(order())
	f.Add(orderFor("1e308"))
	f.Add("[]")
	f.Add("null")
	var access string
	f.Fuzz(func(t *testing.T, body string) {
		r := &rig{Bank: b, t: t, http: &http.Client{Transport: b,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		if access == "" {
			access = r.grant("JONGUNARS").Access
		}
		res := r.pay(access, "fuzz", body)
		if res.StatusCode != http.StatusCreated && !json.Valid([]byte(r.text(res))) {
			t.Errorf("POST %q = %s without JSON", body, res.Status)
		}
	})
}
