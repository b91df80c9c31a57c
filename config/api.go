package config

// API says what apps find besides the calls.
type API struct {
	Docs bool `yaml:"docs" default:"true" doc:"Serve the API's reference at /docs, /openapi.yaml and /openapi.json of the public address. It holds nothing secret and fetches nothing from elsewhere."`
}
