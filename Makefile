# Greffe. `make help` lists what there is. Everything fetches what it needs.
SHELL := /bin/bash
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Packages whose goroutines share state: run under the race detector.
CONCURRENT = ./eventstore/... ./projections/... ./api/...
FUZZTIME ?= 5s
KILLS ?= 50

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

bin/greffe: FORCE
	@$(GO) build -o $@ ./cmd/greffe
FORCE:

.PHONY: build
build: bin/greffe ## build bin/greffe

.PHONY: run
run: bin/greffe ## import the sample data into embedded stores and serve it on 127.0.0.1:8080
	bin/greffe demo --data .greffe-demo --listen 127.0.0.1:8080

.PHONY: test
test: ## all tests (embedded stores, no server needed)
	$(GO) test -timeout 8m ./...

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@out="$$(gofmt -l .)"; if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

.PHONY: race
race: ## tests of the concurrent packages under the race detector
	$(GO) test -race -short -timeout 20m $(CONCURRENT)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each
	@set -e; $(GO) list ./... | while read -r pkg; do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
	  done; \
	done

.PHONY: faults
faults: ## kill -9 the service KILLS times under writers, fill its disk, stop it under load
	GREFFE_KILLS=$(KILLS) $(GO) test -count=1 -timeout 25m -run '^Test(Kill|DiskFull|NoRoom|Term)' -v ./cmd/greffe

.PHONY: bench
bench: bin/greffe ## whole-process figures, then Go benchmarks
	bin/greffe bench
	bin/greffe bench --load 1000000
	$(GO) test -run '^$$' -bench . -benchtime 1s ./domain/... ./eventstore/... ./projections/...

.PHONY: cover
cover: ## coverage by package
	$(GO) test -coverprofile=coverage.out ./... && $(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: samples
samples: ## write the sample data anew from its seed
	$(GO) run ./deploy/samples/generate -out deploy/samples

.PHONY: clean
clean: ## remove what was built and the demo's data
	rm -rf bin .greffe-demo .greffe-demo.kek .greffe-demo.fence coverage.out
