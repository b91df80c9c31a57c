package config_test

import (
	"fmt"

	"github.com/consentd/consentd/config"
)

func ExampleLoad() {
	_, err := config.Load("", []string{
		"CONSENTD_PUBLIC_URL=consent.example.is",
		"CONSENTD_KEYS_FILE=/etc/consentd/keys.json",
		"CONSENTD_BANKS_0_PROFILE=landsbankinn-sandbox",
		"CONSENTD_BANKS_0_CLIENT_ID=0f3a61c2",
	})
	fmt.Println(err)
	// Output:
	// configuration: 2 problems:
	//   CONSENTD_PUBLIC_URL: public_url: want an address such as https://host.example/path
	//   CONSENTD_BANKS_0_PROFILE: banks.landsbankinn-sandbox.client_secret: missing; set CONSENTD_BANKS_LANDSBANKINN_SANDBOX_CLIENT_SECRET or CONSENTD_BANKS_LANDSBANKINN_SANDBOX_CLIENT_SECRET_FILE
}
