// Package contract has the types of the API's requests and answers, made from
// web/openapi.yaml, which is the source: change that, then run go generate.
//
// The generator is run at a fixed version and is no requirement of this
// module: it brings a dozen modules that nothing else here needs, and an older
// kin-openapi than our tests use. `make check` compares what it makes with
// what is committed.
package contract

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml ../openapi.yaml
