# Every target works on a fresh clone with Go and make; race needs a C compiler.

GO       ?= go
FUZZTIME ?= 10s
# What runs on more than one goroutine.
RACE     ?= ./internal/ring ./journal ./router/... ./book ./fix/... ./venues/... ./internal/emsclient ./cmd/...

.PHONY: run test bench race fuzz lint crash build clean

run: ## the demo: simulated venues, router and client on loopback
	$(GO) run ./cmd/penstock demo

build: ## bin/penstock
	$(GO) build -trimpath -o bin/penstock ./cmd/penstock

test: ## vet and all tests; the last line holds the totals
	$(GO) vet ./...
	$(GO) run ./internal/totals ./...

race: ## the concurrent packages under the race detector
	$(GO) run ./internal/totals -race -short $(RACE)

bench: ## end-to-end latency; micro-benchmarks lie beside their code
	$(GO) test -run '^$$' -bench . ./bench

# -fuzzminimizetime keeps a short run from spending itself on its first finds.
fuzz: ## every fuzz test for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
		names=$$($(GO) test -list '^Fuzz' $$p); \
		for f in $$(echo "$$names" | grep '^Fuzz' || true); do \
			echo "$$p $$f"; \
			$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p; \
		done; \
	done

N ?= 20
crash: ## kill -9 of a trading router, N times, against venues that live on; the accounts must agree
	PENSTOCK_KILLS=$(N) $(GO) test -count 1 -v -run TestKilledRouterGoesOn ./cmd/penstock

lint: ## gofmt, vet, staticcheck
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt -w these:" >&2; echo "$$bad" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

clean:
	rm -rf bin out
