# Greffe. `make help` lists what there is. Everything fetches what it needs.
SHELL := /bin/bash
GO ?= go
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.1.4
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Packages whose goroutines share state: run under the race detector.
CONCURRENT = ./eventstore/... ./projections/... ./api/...
FUZZTIME ?= 5s
FOR ?= 1m
# Packages of check-real.
REAL ?= ./...
# Tests of check-grown.
GROWN ?= ^Test(Canary|CanaryErased|BackupWhileServing|KillNine|KillErasures|ObjectionUnderStress|UpstreamResurrection|StagedMessage|BadInputs|IngestThroughTheService|TermUnderLoad)$$
KILLS ?= 50
TAMPER ?= 500
CONTACTS ?= 20000
# Ledger of bench-console.
PERSONS ?= 20000
EVENTS ?= 100000
GROWN_DIR ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

bin/greffe: FORCE
	@$(GO) build -o $@ ./cmd/greffe
bin/greffe-verify: FORCE
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o $@ ./cmd/greffe-verify
FORCE:

.PHONY: build
build: bin/greffe bin/greffe-verify ## build bin/greffe, and beside it the verifier that the page of a bundle hands out

.PHONY: run
run: build ## import the sample data into embedded stores and serve it on 127.0.0.1:8080
	bin/greffe demo --data .greffe-demo --listen 127.0.0.1:8080

.PHONY: test
test: ## all tests (embedded stores, no server needed)
	$(GO) test -timeout 20m ./...

.PHONY: lint
lint: ## gofmt, vet, staticcheck, the tests on real parts included
	@out="$$(gofmt -l .)"; if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags real ./...
	$(GO) vet -tags browser ./cmd/greffe/internal/app
	$(GO) run $(STATICCHECK) -tags real ./...
	$(GO) run $(STATICCHECK) -tags browser ./cmd/greffe/internal/app
	$(GO) run $(STATICCHECK) $$(grep -rlE --include='*.go' '^//go:build .*!real' . | xargs -r dirname | sort -u | grep . || echo ./deploy)

.PHONY: lint-deploy
lint-deploy: ## compose, image, manifests, alerts, dashboard and scripts, by their readers' tools
	deploy/lint.sh

.PHONY: race
race: ## tests of the concurrent packages under the race detector
	$(GO) test -race -short -timeout 20m $(CONCURRENT)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each
	GO="$(GO)" deploy/fuzz.sh $(FUZZTIME)

.PHONY: fuzz-api
fuzz-api: ## requests to every route of /openapi.json for the time FOR, on a real service with sample data
	GREFFE_FUZZ_FOR=$(FOR) $(GO) test -count=1 -timeout 40m -run '^TestFuzzAPI$$' -v ./cmd/greffe

.PHONY: sbom
sbom: bin/greffe ## bin/greffe.cdx.json: what bin/greffe is made of (CycloneDX 1.6)
	$(GO) run ./deploy/sbom bin/greffe bin/greffe.cdx.json

.PHONY: vuln
vuln: ## known vulnerabilities in what is called (govulncheck); fails if its database cannot be reached
	$(GO) run $(GOVULNCHECK) ./...

.PHONY: faults
faults: ## kill -9 the service KILLS times under writers, fill its disk, stop it under load
	GREFFE_KILLS=$(KILLS) $(GO) test -count=1 -timeout 25m -run '^Test(Kill|DiskFull|Reserve|NoRoom|Term)' -v ./cmd/greffe

.PHONY: real
real: ## fetch what check-real starts: ClickHouse's engine, Apache Kafka, PostgreSQL, an identity provider, LibreOffice
	deploy/real/fetch.sh all

.PHONY: check-real
check-real: real ## the tests on a real ClickHouse, Kafka and PostgreSQL, started on loopback (REAL=PACKAGES)
	GO="$(GO)" deploy/real/check.sh $(REAL)

.PHONY: check-browser
check-browser: ## people sign in and work in a real Chromium; axe-core finds nothing that bars them
	deploy/real/fetch.sh chromium
	deploy/real/fetch.sh axe
	$(GO) test -tags browser -count=1 -timeout 20m -run InABrowser -v ./cmd/greffe/internal/app

.PHONY: third-parties
third-parties: ## evidence held to others' programs: Tessera, x/mod, OpenSSL, DuckDB, LibreOffice, poppler
	deploy/real/fetch.sh others
	eventstore/notary/thirdparty/check.sh
	GO="$(GO)" deploy/real/check.sh ./domain/bundle ./api/inspection

.PHONY: cross
cross: ## bin/greffe-verify-SYSTEM-PROCESSOR for Linux, Windows and macOS; the one for this machine on a bundle
	@mkdir -p bin
	GO="$(GO)" GREFFE_CROSS="$(CURDIR)/bin" deploy/real/check.sh ./cmd/greffe-verify

.PHONY: tamper
tamper: ## TAMPER random edits of a ledger's stores, each found or shown to change no answer
	set -o pipefail; GREFFE_TAMPER=$(TAMPER) $(GO) test -count=1 -timeout 25m -run '^TestTamper$$' -v ./cmd/greffe/internal/app | \
	  awk '{print} /^--- PASS: TestTamper/ {ran = 1} END {exit !ran}'

.PHONY: simulate
simulate: ## 36 months of a CRM of CONTACTS contacts in virtual time, its export checked by the law's numbers alone
	set -o pipefail; GREFFE_SIMULATE=$(CONTACTS) $(GO) test -count=1 -timeout 25m -run '^TestSimulation$$' -v ./cmd/greffe/internal/app | \
	  awk '{print} /^--- PASS: TestSimulation/ {ran = 1} END {exit !ran}'

.PHONY: check-grown
check-grown: real ## the promise tests of the service, on PostgreSQL, ClickHouse and EventStoreDB's protocol
	GREFFE_TEST_STORES=grown $(GO) test -tags real -count=1 -timeout 30m -run '$(GROWN)' ./cmd/greffe

.PHONY: official-esdb
official-esdb: ## the official EventStoreDB client's own tests against our protocol server
	eventstore/esdb/official/run.sh

.PHONY: esdb-test-binary
esdb-test-binary: ## bin/esdb.test: one static program that tests the fact log on a real server
	CGO_ENABLED=0 $(GO) test -c -o bin/esdb.test ./eventstore/esdb

.PHONY: bench
bench: bin/greffe ## whole-process figures, then Go benchmarks
	bin/greffe bench
	bin/greffe bench --load 1000000
	$(GO) test -run '^$$' -bench . -benchtime 1s ./domain/... ./eventstore/... ./projections/...

.PHONY: bench-console
bench-console: ## each page of the console by role, and a real browser's first paint, on a ledger of PERSONS persons and EVENTS events, kept in GROWN_DIR if given
	deploy/real/fetch.sh chromium
	GREFFE_BENCH_DIR="$(GROWN_DIR)" GREFFE_BENCH_PERSONS=$(PERSONS) GREFFE_BENCH_EVENTS=$(EVENTS) \
	  $(GO) test -tags browser -run '^$$' -bench '^BenchmarkConsole$$' -benchtime 1x -timeout 3h ./cmd/greffe/internal/app

.PHONY: bench-real
bench-real: real ## figures on a real PostgreSQL, ClickHouse and Kafka, several nodes too, beside bare clients and embedded stores
	$(GO) test -tags real -run '^$$' -bench '^BenchmarkGrown' -benchtime 1x -timeout 30m ./cmd/greffe
	$(GO) test -run '^$$' -bench '^BenchmarkIntake$$' -benchtime 1x -timeout 10m ./api/kafka/intake

.PHONY: cover
cover: ## coverage by package
	$(GO) test -coverprofile=coverage.out ./... && $(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: samples
samples: ## write the sample data anew from its seed
	$(GO) run ./deploy/samples/generate -out deploy/samples

.PHONY: clean
clean: ## remove what was built and the demo's data
	rm -rf bin .greffe-demo .greffe-demo.kek .greffe-demo.fence coverage.out
