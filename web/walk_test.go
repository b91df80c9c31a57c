package web_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web"
)

// A walked route says what an app gets there for a consent of its own and for
// another app's, and what everybody gets where apps are nobody special.
type walked struct{ own, others, everybody int }

// walks are all routes. What is not in here fails TestWalk: say who may do it.
var walks = map[string]walked{
	"POST /v1/consents":              {own: 415, others: 415},
	"GET /v1/consents":               {own: 200, others: 200},
	"GET /v1/consents/:id":           {own: 200, others: 404},
	"POST /v1/consents/:id/token":    {own: 200, others: 404},
	"POST /v1/consents/:id/confirm":  {own: 415, others: 415},
	"POST /v1/consents/:id/renewal":  {own: 200, others: 404},
	"DELETE /v1/consents/:id":        {own: 200, others: 404},
	"POST /v1/consents/:id/report":   {own: 415, others: 415},
	"GET /v1/consents/:id/proof":     {own: 200, others: 404},
	"POST /v1/erasures":              {own: 415, others: 415},
	"POST /v1/access-links":          {own: 415, others: 415},
	"GET /v1/events":                 {own: 200, others: 200},
	"GET /v1/me":                     {own: 200, others: 200},
	"POST /oauth2/token":             {own: 400, others: 400},
	"GET /v1/consents/:id/bank/*":    {own: 404, others: 403},
	"HEAD /v1/consents/:id/bank/*":   {own: 404, others: 403},
	"POST /v1/consents/:id/bank/*":   {own: 422, others: 403},
	"PUT /v1/consents/:id/bank/*":    {own: 422, others: 403},
	"PATCH /v1/consents/:id/bank/*":  {own: 422, others: 403},
	"DELETE /v1/consents/:id/bank/*": {own: 422, others: 403},
	"GET /":                          {everybody: 200},
	"GET /robots.txt":                {everybody: 200},
	"GET /static/:name":              {everybody: 404},
	"GET /problems":                  {everybody: 200},
	"GET /problems/:code":            {everybody: 404},
	"GET /c/:link":                   {everybody: 410},
	"POST /c/:link":                  {everybody: 403},
	"GET /callback/:bank":            {everybody: 410},
	"GET /back/:ref":                 {everybody: 410},
	"GET /back/:ref/return":          {everybody: 410},
	"POST /back/:ref/retry":          {everybody: 403},
	"GET /m/:link":                   {everybody: 303},
	"GET /m/:link/":                  {everybody: 410},
	"POST /m/:link/renew":            {everybody: 403},
	"GET /m/:link/stop":              {everybody: 410},
	"POST /m/:link/stop":             {everybody: 403},
	"GET /m/:link/reminders":         {everybody: 410},
	"POST /m/:link/reminders":        {everybody: 410},
	"POST /m/:link/access":           {everybody: 403},
	"GET /a/:link":                   {everybody: 410},
	"POST /a/:link":                  {everybody: 403},
	"GET /access":                    {everybody: 200},
	"GET /access/:id":                {everybody: 303},
	"GET /access/:id/":               {everybody: 303},
	"POST /access/:id/renew":         {everybody: 403},
	"GET /access/:id/stop":           {everybody: 303},
	"POST /access/:id/stop":          {everybody: 403},
	"POST /access/sign-in":           {everybody: 403},
	"POST /access/sign-out":          {everybody: 403},
	"GET /docs":                      {everybody: 200},
	"GET /docs/:name":                {everybody: 404},
	"GET /openapi.yaml":              {everybody: 200},
	"GET /openapi.json":              {everybody: 200},
	"HEAD /callback/:bank":           {everybody: 200},
}

// strolls are the kinds of callers.
type stroll struct {
	name string
	key  token.Secret
	cert string // the name in a certificate that our TLS has verified
	want func(walked) int
}

func TestWalk(t *testing.T) {
	t.Parallel()
	k := newCluster(t)
	setUp := func(operations []web.Operation) *world {
		w := newWorld(t, func(s *settings) {
			s.operations, s.calls, s.issuers = operations, nil, k.issuers()
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
				s.calls = append(s.calls, method+" /odd/*")
			}
			s.certificates, s.otherCertificates = []string{"shop.internal"}, []string{"lender.internal"}
			s.workloads = []web.Workload{{Issuer: "cluster", Subject: inCluster}}
		})
		return w
	}
	w, denied := setUp(web.Operations), setUp([]web.Operation{})
	var id string
	own := func(r walked) int { return r.own }
	refused := func(walked) int { return http.StatusUnauthorized }
	callers := []stroll{
		{name: "no credential", want: refused},
		{name: "a wrong key", key: "ck_00000000_" + token.Secret(strings.Repeat("a", 43)), want: refused},
		{name: "another program", key: k.token("other", nil), want: refused},
		{name: "a token that nobody signed", key: "eyJhbGciOiJub25lIn0.e30.", want: refused},
		{name: "another certificate", cert: "other.internal", want: refused},
		{name: "the app's key", key: w.key, want: own},
		{name: "the app's workload", key: k.token(inCluster, nil), want: own},
		{name: "the app's certificate", cert: "shop.internal", want: own},
		{name: "a certificate of two apps", cert: "shop.internal lender.internal", want: refused},
		{name: "another app's key", key: w.otherKey, want: func(r walked) int { return r.others }},
	}
	for _, route := range w.handler.(*echo.Echo).Routes() {
		name := route.Method + " " + route.Path
		row, known := walks[name]
		if !known && route.Method == http.MethodHead {
			row, known = walks["GET "+route.Path]
		}
		if !known {
			t.Errorf("%s is not in the table: say who may do it", name)
			continue
		}
		for _, who := range callers {
			want := who.want(row)
			if row.everybody != 0 {
				want = row.everybody
			}
			id = w.valid(id)
			if got := w.stroll(route, id, who.key, who.cert); got.status != want {
				t.Errorf("%s by %s = %d %s, want %d", name, who.name, got.status, got.header.Get("Content-Type"), want)
			}
		}
		if row.everybody != 0 {
			continue
		}
		got := denied.stroll(route, unknownConsent, denied.key, "")
		if want := map[bool]int{false: http.StatusForbidden, true: http.StatusBadRequest}[route.Path == "/oauth2/token"]; got.status != want {
			t.Errorf("%s by an app that may do nothing = %d %s, want %d", name, got.status, got.header.Get("Content-Type"), want)
		}
	}
}

// valid is that consent, or another one of the app "shop" if it is over.
func (w *world) valid(id string) string {
	w.t.Helper()
	if id != "" && w.status(id) == "valid" {
		return id
	}
	id, page := w.ask(object{"expected_national_id": gudrunID})
	w.newBrowser().visit(page, sandbox.Customer{User: gudrun})
	return id
}

// stroll goes to a route as if it were an address.
func (w *world) stroll(route *echo.Route, id string, key token.Secret, cert string) reply {
	w.t.Helper()
	path := strings.NewReplacer(":id", id, "bank/*", "bank/odd/x", ":link", "x", ":name", "x", ":code", "x", ":ref", "x", ":bank", "x").Replace(route.Path)
	r := httptest.NewRequest(route.Method, path, nil)
	if cert != "" {
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{DNSNames: strings.Fields(cert)}}}}
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	if route.Path == "/oauth2/token" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return reply{status: out.Code, header: out.Header()}
}
