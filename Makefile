# Every target works on a fresh clone with Go and make; race needs a C compiler.

GO       ?= go
FUZZTIME ?= 10s
# What runs on more than one goroutine. The core has one, as a test of internal/tidy sees to.
RACE     ?= ./cmd/... ./internal/ring ./journal ./router/loop ./book ./fix/... ./venues/... ./internal/emsclient
# Decoders and books beside their twins, recordings, and what fuzz tests read: one goroutine
# reads them, so that there is nothing to find, at ten times the price. make test has them.
SOLO     := ^(Fuzz.*|Test(.*Twins?|.*LevelCaptures.*|BitFlips.*|Truncated.*|Lobster.*|Binance(Books|Replay|Raw).*|Basis.*|TwoDealers.*|AnyOrderOf.*|(Every|Same|Damaged|Advanced)Recording.*|IEXCapture.*|MouldsGainDigits|EachByteOfAMessage.*|EveryByteOfAMould|BentOrders.*|ThePacketThatIsDue.*|RecordingsHaveTheShapes|QueueIsExactWhere.*|RankCounts.*|RankByWords.*|Blocks(AreWhatTheirMessagesAre|WithoutAVX)|LengthComesFromTheSpecification|NextIsAsStrictAsParse|FieldsInsertedAnywhere.*|NoFlippedBitIsAccepted.*|EveryTruncationGivesAPrefix))$$
# Whole routers that mostly wait, for nights, schedules and builds, in threads that the other tests
# of cmd/penstock run as well.
WAITING  := ^Test(GoodTillCancelOutlivesNightAndRestart|VWAPRunsAgain|TimeToTrading|IcebergAndShortSaleReachTheVenues|JournalOfAnotherBuildIsRefused|ClientChangesItsMind)$$

# How long each benchmark runs, and which.
BENCHTIME ?= 2s
BENCH     ?= .

SCENARIO ?= out/scenario
DATA     ?= ../shared/data

.PHONY: scenario realism run test bench results profile callgrind race fuzz fuzz-outside lint crash kill model sim sim-twice soak canary mutants build clean

run: ## the demo: simulated venues, router and client on loopback
	$(GO) run ./cmd/penstock demo

# The program is compiled by a profile of a message's way, where Go looks for one: run, build and bench.
# Tests are not, which would compile all of it twice.
PROFILE := cmd/penstock/default.pgo
test race sim soak sim-twice canary mutants model crash kill lint fuzz fuzz-outside callgrind: export GOFLAGS += -pgo=off

build: ## bin/penstock
	$(GO) build -trimpath -o bin/penstock ./cmd/penstock

# vet has looked already. Most tests that may run at the same time within a package wait for sockets and clocks.
test: ## vet and all tests; the last line holds the totals
	$(GO) vet ./...
	$(GO) run ./internal/totals -vet=off -parallel 4 ./...

race: ## the concurrent packages under the race detector
	$(GO) run ./internal/totals -vet=off -race -short -skip '$(SOLO)|$(WAITING)' $(RACE)

bench: ## latency and throughput; histograms, plots and a table in bench/out
	$(GO) test '-pgo=$(CURDIR)/$(PROFILE)' -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -timeout 60m ./bench -args -out out

results: bench ## the same, and the rows for bench/RESULTS.md
	@cat bench/out/results.md

profile: ## makes the profile anew, from the benchmarks of a message's way; without the name of this machine's folder
	$(GO) test -trimpath -c -o out/profile.test ./bench
	cd bench && ../out/profile.test -test.run '^$$' -test.bench '^Benchmark(TickToOrder|Throughput|Wire)$$' -test.benchtime 3s -test.cpuprofile ../out/profile
	@path='$(CURDIR)/out/profile.test'; gzip -dc out/profile | LC_ALL=C sed "s|$$path|$$(printf '%*s' $${#path} '' | tr ' ' x)|" | gzip -n >$(PROFILE)
	@if gzip -dc $(PROFILE) | grep -qF '$(CURDIR)'; then echo 'the profile names $(CURDIR)' >&2; exit 1; fi

callgrind: ## instructions of each stage (needs valgrind)
	sh bench/callgrind.sh

# -fuzzminimizetime keeps a short run from spending itself on its first finds.
fuzz: ## every fuzz test for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
		names=$$($(GO) test -list '^Fuzz' $$p); \
		for f in $$(echo "$$names" | grep '^Fuzz' || true); do \
			echo "$$p $$f"; \
			$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p; \
		done; \
	done

EXECS ?= 100000
# From outside come: FIX (frame, fields, report), ITCH, tables, configurations, journals, snapshots, JSON of feeds.
FROM_OUTSIDE := fix:FuzzFrame fix:FuzzParse venues/fixgw:FuzzReport venues/itch:FuzzReceive policy:FuzzDecodeNeverPanics \
	cmd/penstock:FuzzConfig journal:FuzzOpen cmd/penstock:FuzzSnapshot venues/jsonws:FuzzDecoders
# Files of a journal that is damaged and read 100,000 times belong into memory.
MEMORY := $(firstword $(wildcard /dev/shm) $(CURDIR))
fuzz-outside: ## the nine readers of what comes from outside, EXECS inputs each, the same ones in every run; about a minute
	@names=$$(echo $(foreach f,$(FROM_OUTSIDE),$(lastword $(subst :, ,$(f)))) | tr ' ' '|'); \
	TMPDIR=$(MEMORY) PENSTOCK_EXECS=$(EXECS) $(GO) test -count 1 -v -run "^($$names)\$$" \
		$(sort $(foreach f,$(FROM_OUTSIDE),./$(firstword $(subst :, ,$(f))))) >$(MEMORY)/fuzz-outside.$$$$ 2>&1; code=$$?; \
	if [ $$code = 0 ]; then grep executions $(MEMORY)/fuzz-outside.$$$$; else cat $(MEMORY)/fuzz-outside.$$$$; fi; \
	rm -f $(MEMORY)/fuzz-outside.$$$$; exit $$code

N ?= 20
crash: ## kill -9 of a trading router, N times, N/2 threaded, N/3 in OUCH, N/3 with its host, against venues that live on; the accounts must agree
	PENSTOCK_KILLS=$(N) $(GO) test -count 1 -v -run TestKilledRouterGoesOn ./cmd/penstock

KILL_RUNS ?= 200
kill: ## a kill at every event of KILL_RUNS runs, with every scope; a run takes 5 s
	PENSTOCK_KILL_RUNS=$(KILL_RUNS) $(GO) test -count 1 -timeout 2h -v -run TestCtl_C10 ./router ./router/risk

DEPTH ?= 11
model: ## every interleaving of a parent, two venues and their client, DEPTH steps deep; 11 takes a minute
	PENSTOCK_DEPTH=$(DEPTH) $(GO) test -count 1 -v -run TestNoInterleavingOverfills ./router

SEEDS    ?= 10000
DURATION ?= 10m
SIM      := $(GO) test -count 1 -timeout 0 -v -run '^TestSim$$' ./internal/simtest
sim: ## SEEDS worlds that try to break the router; every failure mode must have been met
	$(SIM) -seeds $(SEEDS)

soak: ## the same for DURATION, from a seed that the clock gives
	$(SIM) -soak $(DURATION) -first $$(date +%s)

sim-twice: ## the same seeds under other schedulers and collectors: one hash
	$(GO) test -c -o bin/simtest.test ./internal/simtest
	@run() { ./bin/simtest.test -test.v -test.run '^TestSim$$' -seeds 500 | sed -n 's/.*hash \([0-9a-f]*\).*/\1/p'; }; \
	a=$$(GOMAXPROCS=1 GOGC=5 run); b=$$(GOMAXPROCS=2 GOGC=5 run); c=$$(GOMAXPROCS=1 GOGC=off run); d=$$(GOMAXPROCS=2 GOGC=off run); \
	echo "$$a $$b $$c $$d"; [ -n "$$a" ] && [ "$$a" = "$$b" ] && [ "$$a" = "$$c" ] && [ "$$a" = "$$d" ]

mutants: ## plants bugs in the router; the simulation must find each within 1,000 seeds
	$(GO) run ./internal/simtest/mutants

canary: ## a world that must be found out: fails
	$(SIM) -seed 1 -canary

scenario: ## the page of one large order by every policy; learns the table first; 30 minutes at most
	$(GO) run ./cmd/penstock scenario -o $(SCENARIO)

realism: ## docs/realism.md: is the simulated stock like a market, beside the recordings in DATA
	$(GO) run ./cmd/penstock realism --full --data $(DATA) -o docs/realism.md

lint: ## gofmt, vet, staticcheck
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt -w these:" >&2; echo "$$bad" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

clean:
	rm -rf bin out bench/out
