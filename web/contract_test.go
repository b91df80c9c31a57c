package web_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"
)

// contract is web/openapi.yaml, read once. In it answers may have no members
// that the contract does not name, although apps must expect them: here they
// are what was forgotten.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	closed := false
	for _, s := range doc.Components.Schemas {
		for _, part := range s.Value.AllOf {
			if s.Value.Properties == nil {
				s.Value.Type, s.Value.Properties = part.Value.Type, openapi3.Schemas{}
			}
			maps.Copy(s.Value.Properties, part.Value.Properties)
			s.Value.Required = append(s.Value.Required, part.Value.Required...)
		}
		s.Value.AllOf = nil
		if s.Value.Type.Is("object") {
			s.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	return doc, nil
})

func contractOf(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// matched finds the operation for a request, and what stands for the
// parameters in its path. Without an operation the path may still be known.
func matched(doc *openapi3.T, r *http.Request) (*routers.Route, map[string]string) {
	given := strings.Split(r.URL.EscapedPath(), "/")
	for path, item := range doc.Paths.Map() {
		named, params := strings.Split(path, "/"), map[string]string{}
		if last := len(named) - 1; named[last] == "{path}" && len(given) > last {
			given = append(given[:last:last], strings.Join(given[last:], "/"))
		}
		fits := len(named) == len(given)
		for i := 0; fits && i < len(named); i++ {
			if strings.HasPrefix(named[i], "{") && (given[i] != "" || named[i] == "{path}") {
				params[strings.Trim(named[i], "{}")] = given[i]
			} else if named[i] != given[i] {
				fits = false
			}
		}
		if fits {
			return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)}, params
		}
	}
	return nil, nil
}

// witness keeps a copy of what a handler answers.
type witness struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *witness) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *witness) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// contracted compares every request that succeeds, and every answer, with the
// contract.
func contracted(t testing.TB, h http.Handler) http.Handler {
	doc := contractOf(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.URL.Path, "/oauth2/") {
			h.ServeHTTP(w, r)
			return
		}
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		copied := r.Clone(r.Context())
		r.Body, copied.Body = io.NopCloser(bytes.NewReader(sent)), io.NopCloser(bytes.NewReader(sent))
		out := &witness{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(out, r)
		if err := keeps(doc, copied, out); err != nil {
			t.Errorf("%s %s = %d: %v\n%s", r.Method, r.URL.Path, out.status, err, out.body.String())
		}
	})
}

func keeps(doc *openapi3.T, r *http.Request, out *witness) error {
	route, params := matched(doc, r)
	if route == nil || route.Operation == nil {
		shared := map[int]string{http.StatusNotFound: "NotFound", http.StatusMethodNotAllowed: "MethodNotAllowed"}[out.status]
		if strings.HasPrefix(r.URL.Path, "/oauth2/") && out.status == http.StatusMethodNotAllowed {
			shared = "ExchangeNotAllowed"
		}
		response := doc.Components.Responses[shared]
		if response == nil {
			return fmt.Errorf("the contract has no such call")
		}
		route = &routers.Route{Spec: doc, Method: r.Method, Operation: &openapi3.Operation{
			Responses: openapi3.NewResponses(openapi3.WithStatus(out.status, response)),
		}}
	}
	asked := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}}
	if out.status < 300 {
		if err := openapi3filter.ValidateRequest(r.Context(), asked); err != nil {
			return fmt.Errorf("it succeeded, and should not have been asked: %w", err)
		}
	}
	answered := &openapi3filter.ResponseValidationInput{RequestValidationInput: asked, Status: out.status, Header: out.Header(), Options: asked.Options}
	answered.SetBodyBytes(out.body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), answered); err != nil {
		return err
	}
	return knownProblem(cmp.Or(route.Operation.Responses.Status(out.status), route.Operation.Responses.Default()), out)
}

// knownProblem makes sure that the contract names a problem's code where it
// can be met.
func knownProblem(response *openapi3.ResponseRef, out *witness) error {
	if out.Header().Get("Content-Type") != "application/problem+json" || response == nil {
		return nil
	}
	for code := range response.Value.Content["application/problem+json"].Examples {
		if strings.Contains(out.body.String(), `"code":"`+code+`"`) {
			return nil
		}
	}
	return fmt.Errorf("the contract has no such problem for this call")
}

func TestTheContractIsNoOtherThanTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	served, promised := map[string]bool{}, map[string]bool{}
	for _, r := range w.handler.(*echo.Echo).Routes() {
		if strings.HasPrefix(r.Path, "/v1/") || strings.HasPrefix(r.Path, "/oauth2/") {
			path := strings.NewReplacer(":id", "{id}", "*", "{path}").Replace(r.Path)
			served[r.Method+" "+path] = true
		}
	}
	for path, item := range contractOf(t).Paths.Map() {
		for method := range item.Operations() {
			promised[method+" "+path] = true
		}
	}
	for _, call := range slices.Sorted(maps.Keys(promised)) {
		if !served[call] {
			t.Errorf("%s is promised and not served", call)
		}
	}
	for _, call := range slices.Sorted(maps.Keys(served)) {
		if !promised[call] {
			t.Errorf("%s is served, and the contract does not have it", call)
		}
	}
}

// TestTheContractIsSound: it is OpenAPI 3.0 without extensions, its examples
// are what its schemas say, and every request and answer has one.
func TestTheContractIsSound(t *testing.T) {
	t.Parallel()
	doc := contractOf(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "\n  x-") || strings.Contains(string(text), " x-") || doc.OpenAPI != "3.0.3" {
		t.Errorf("OpenAPI %s, want 3.0.3 and no extensions", doc.OpenAPI)
	}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			contents := map[string]openapi3.Content{}
			if o.RequestBody != nil {
				contents["request"] = o.RequestBody.Value.Content
			}
			for status, r := range o.Responses.Map() {
				contents[status] = r.Value.Content
			}
			if o.Summary == "" || o.Description == "" || o.OperationID == "" || len(o.Tags) != 1 {
				t.Errorf("%s %s is not described", method, path)
			}
			for what, content := range contents {
				for kind, media := range content {
					if len(media.Examples) == 0 && !strings.HasSuffix(path, "/bank/{path}") {
						t.Errorf("%s %s, %s: %s has no example", method, path, what, kind)
					}
				}
			}
		}
	}
}

// TestTheContractsRequestsWork sends every request that the contract shows.
func TestTheContractsRequestsWork(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	here := strings.NewReplacer("landsbankinn", "sandbox", "2027-01-31T00:00:00Z", time.Now().Add(30*day).UTC().Format(time.RFC3339))
	ran := 0
	for path, item := range contractOf(t).Paths.Map() {
		for method, o := range item.Operations() {
			if o.RequestBody == nil {
				continue
			}
			if form := o.RequestBody.Value.Content["application/x-www-form-urlencoded"]; form != nil {
				ran += w.formsWork(t, path, id, o, form)
			}
			media := o.RequestBody.Value.Content["application/json"]
			if media == nil { // or what is the bank's business
				continue
			}
			for name, example := range media.Examples {
				to, body := id, example.Value.Value
				if o.OperationID == "confirmConsent" { // codes are made, and work once
					var code string
					to, code = w.unconfirmed()
					body = object{"code": code}
				}
				raw, err := json.Marshal(body)
				w.check(err)
				r := w.call(w.key, method, strings.Replace(path, "{id}", to, 1), here.Replace(string(raw)))
				if want := o.Responses.Status(r.status); r.status >= 300 || want == nil {
					t.Errorf("%s %s, example %s: %d %s", method, path, name, r.status, r.text)
				}
				ran++
			}
		}
	}
	if ran < 9 {
		t.Errorf("%d examples ran, want all", ran)
	}
}

// formsWork sends the forms that the contract shows, for this consent.
func (w *world) formsWork(t *testing.T, path, id string, o *openapi3.Operation, form *openapi3.MediaType) (ran int) {
	t.Helper()
	for name, example := range form.Examples {
		values := url.Values{}
		for member, value := range example.Value.Value.(object) {
			values.Set(member, fmt.Sprint(value))
		}
		values.Set("subject_token", id)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader(values.Encode()))
		w.check(err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("shop", w.key.Reveal())
		if got := w.send(http.DefaultClient, r); got.status != http.StatusOK || got.str("access_token") == "" || o.Responses.Status(got.status) == nil {
			t.Errorf("POST %s, example %s: %d %s", path, name, got.status, got.text)
		}
		ran++
	}
	return ran
}
