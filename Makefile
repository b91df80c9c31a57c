# `make test` is all that continuous integration runs.

GO       ?= go
FUZZTIME ?= 30s

.PHONY: test check install bench fuzz screenshots

## test: install what is missing, check the code, run every test
test: install check
	$(GO) test -race -shuffle=on ./...

## check: formatting, module file, generated code, vet, static checks
check:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) mod tidy -diff
	@cd web/contract && before=$$(cksum models.gen.go) && $(GO) generate && \
		if [ "$$before" != "$$(cksum models.gen.go)" ]; then echo "web/contract was not generated from web/openapi.yaml; now it is"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

## install: the programs that tests need, from the distribution's packages
install:
	@.ci/install

## bench: every benchmark
bench: install
	$(GO) test -run '^$$' -bench . -benchmem ./...

## fuzz: each fuzzer for FUZZTIME
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

## screenshots: every page and mail on a phone and a desktop, light and dark, into screenshots/
screenshots: install
	SCREENSHOTS=$(CURDIR)/screenshots $(GO) test -count=1 -timeout 30m -run Browser ./cmd/demo
