// Consentd keeps consents and tokens of open banking: `consentd serve` is the
// service, and the other commands are its operator's. See docs/operations.md.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
