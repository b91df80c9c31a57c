package web

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/consentd/consentd/consent"
)

func readContract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestTheContractHasEveryProblem with its status and title, and no other.
func TestTheContractHasEveryProblem(t *testing.T) {
	t.Parallel()
	doc := readContract(t)
	met := map[string]string{}
	for _, item := range doc.Paths.Map() {
		for _, o := range item.Operations() {
			for status, r := range o.Responses.Map() {
				for kind, media := range r.Value.Content {
					for code, example := range media.Examples {
						if kind == "application/problem+json" || example.Value.Value.(map[string]any)["code"] == code {
							met[code] = status
						}
					}
				}
			}
		}
	}
	met["method-not-allowed"] = "405" // which no operation answers with
	for code, example := range doc.Components.Examples {
		shown := example.Value.Value.(map[string]any)
		a := answerFor(code)
		if a.title == "" {
			t.Errorf("nothing answers %s", code)
		} else if shown["title"] != a.title || shown["status"] != float64(a.status) {
			t.Errorf("%s is shown as %v %q, and is %d %q", code, shown["status"], shown["title"], a.status, a.title)
		}
		if shown["code"] != code || shown["type"] != "/problems/"+code || met[code] == "" {
			t.Errorf("%s is shown as %v, and met with %q", code, shown, met[code])
		}
	}
	for _, a := range answers {
		if a.title != "" && met[a.code] == "" {
			t.Errorf("the contract does not have %s", a.code)
		}
	}
}

// bodiesToRead are requests of every kind, right and wrong.
var bodiesToRead = []string{
	`{}`, `[]`, `"a"`, `1`, `null`, `true`,
	`{"customer_reference":"a","bank":"b","return_to":"c"}`,
	`{"customer_reference":"a","bank":"b","return_to":"c","expected_national_id":"1","scopes":["x"],"contact":{"email":"a@b.is"},"language":"sv"}`,
	`{"customer_reference":"","bank":"b","return_to":"c"}`, `{"customer_reference":"a\u0007","bank":"b","return_to":"c"}`,
	`{"customer_reference":"` + strings.Repeat("ð", 128) + `"}`, `{"customer_reference":"` + strings.Repeat("ð", 129) + `"}`,
	`{"customer_reference":"a","bank":1,"return_to":[],"language":"fr","contact":[],"scopes":[1]}`, `{"contact":{"fax":"1"}}`,
	`{"min_ttl":0}`, `{"min_ttl":-1}`, `{"min_ttl":31622400}`, `{"min_ttl":31622401}`, `{"min_ttl":1.5}`, `{"min_ttl":"1"}`,
	`{"needed_until":"2027-01-01T00:00:00Z"}`, `{"needed_until":"2027-01-01"}`, `{"needed_until":1}`, `{"scopes":[]}`, `{"scopes":[[]]}`,
	`{"status":401}`, `{"status":402}`, `{"status":"401"}`, `{"status":403,"code":"A_1.b-c"}`, `{"status":403,"code":"a b"}`,
	`{"status":401,"code":"` + strings.Repeat("a", 65) + `"}`, `{"code":"x"}`, `{"code":""}`, `{"code":"x","more":1}`,
}

// TestOurReaderAgreesWithALibrary on what the contract's schemas allow.
func TestOurReaderAgreesWithALibrary(t *testing.T) {
	t.Parallel()
	doc := readContract(t)
	bodies, err := jsonBodies()
	if err != nil {
		t.Fatal(err)
	}
	if len(bodies) < 6 {
		t.Errorf("%d calls take a body, want at least 6", len(bodies))
	}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			known, ok := bodies[route{method, routerPath(path)}]
			if !ok {
				continue
			}
			theirs := o.RequestBody.Value.Content["application/json"].Schema.Value
			for _, body := range bodiesToRead {
				var wrong consent.Invalid
				known.schema.check(&wrong, "", []byte(body))
				var value any
				if err := json.Unmarshal([]byte(body), &value); err != nil {
					t.Fatal(err)
				}
				err := doc.ValidateSchemaJSON(theirs, value, openapi3.MultiErrors(), openapi3.EnableFormatValidation())
				if (err == nil) != (len(wrong.Fields) == 0) {
					t.Errorf("%s %s with %s:\nwe say %v\nthey say %v", method, path, body, wrong.Fields, err)
				}
			}
		}
	}
}

// TestTheReaderRefusesWhatItDoesNotCheck of the schema language.
func TestTheReaderRefusesWhatItDoesNotCheck(t *testing.T) {
	t.Parallel()
	const start = "paths: {/v1/x: {post: {requestBody: {content: {application/json: {schema: "
	for _, test := range []struct {
		schema string
		good   bool
	}{
		{`{type: object, additionalProperties: false, properties: {a: {type: string}}}`, true},
		{`{type: object, additionalProperties: false, properties: {a: {type: string, multipleOf: 2}}}`, false},
		{`{type: object, additionalProperties: false, properties: {a: {type: string, x-a: 2}}}`, false},
		{`{type: object, additionalProperties: false, properties: {a: {type: string, pattern: "("}}}`, false},
		{`{type: object, additionalProperties: false, properties: {a: {$ref: '#/components/schemas/None'}}}`, false},
		{`{type: object, additionalProperties: false, properties: {a: {type: array, items: {type: number}}}}`, false},
		{`{type: object}`, false}, {`{type: object, additionalProperties: true}`, false}, {`{}`, false},
	} {
		if _, err := readBodies([]byte(start + test.schema + "}}}}}}")); (err == nil) != test.good {
			t.Errorf("readBodies with %s = %v", test.schema, err)
		}
	}
}
