# pgtend: what there is to build, try and check. `make help` lists it.

CARGO  ?= cargo
MAJORS ?= 14 15 16 17 18
DIST   := target/dist
MSRV   := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
RUN    := $(CARGO) run --release --quiet --

.DEFAULT_GOAL := build
.PHONY: help build release demo test slowest test-matrix twin bloat test-security test-web faults bench bench-impact bench-large bench-plan \
    bench-advise bench-check check-schemas bench-load bench-serve bench-refresh bench-statements bench-vacuum bench-verify choice fuzz fmt fmt-check clippy shellcheck lint deny doc docs \
    pictures package msrv install dist test-dist man mutations pages completions clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

build: ## compile, for development (the default)
	$(CARGO) build

release: ## compile, optimised: target/release/pgtend
	$(CARGO) build --release

demo: ## set up what is missing and run the demo (its options: ARGS="...")
	@scripts/ensure-postgres
	@$(RUN) demo $(ARGS)

test: ## set up what is missing and run all tests
	@scripts/ensure-postgres
	@scripts/ensure-pgbouncer
	@scripts/ensure-iproute2
	@scripts/ensure-shells
	PG_SANDBOX_BIN=$(PGTEND_PG_BIN) $(CARGO) test --workspace --quiet

test-web: ## open the pages of serve in a browser (make test does it where there is one)
	@scripts/ensure-postgres
	@scripts/ensure-chromium
	PGTEND_TEST_WEB=1 $(CARGO) test --test it serve::browser

# Cargo takes its runner from a variable that bears the machine's name.
HOST = $(shell rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)

slowest: ## run all tests and print the ten slowest
	@mkdir -p target && rm -f target/test-times
	@PGTEND_TEST_TIMES=$(CURDIR)/target/test-times \
	    CARGO_TARGET_$(HOST)_RUNNER=$(CURDIR)/scripts/run-timed $(MAKE) --no-print-directory test
	@echo "the ten slowest tests, in seconds:"
	@sort -rn target/test-times | head -n 10

test-matrix: ## run the database tests on PostgreSQL 14 to 18 (or MAJORS="14 18")
	@for major in $(MAJORS); do \
	    bin=$$(scripts/fetch-postgres --print $$major) || { \
	        echo "test-matrix: there is no PostgreSQL $$major to test on" >&2; exit 1; }; \
	    echo "== PostgreSQL $$major ($$bin)"; \
	    PGTEND_PG_BIN=$$bin $(CARGO) test --quiet --test it -- $(TESTS) || { \
	        echo "test-matrix: the tests fail on PostgreSQL $$major" >&2; exit 1; }; \
	done

twin: ## compare the planner twin with servers that have 25 times the data (MAJORS="14 18")
	@PGTEND_TWIN_SCALE=$(or $(SCALE),25) $(MAKE) --no-print-directory test-matrix \
	    TESTS='twin::a_twin twin::a_candidate --nocapture'

bloat: ## compare estimated sizes of indexes with fresh ones (ROWS=1000000, MAJORS="14 18")
	@PGTEND_BLOAT_ROWS=$(or $(ROWS),1000000) $(MAKE) --no-print-directory test-matrix \
	    TESTS='index_bloat::the_size --nocapture'

# What a hostile role, file or server may try.
SECURITY := hijack:: sessions:: owners_code:: trust:: hostile_migrations:: secrets:: terminal:: encodings::

test-security: ## run those against hostile roles and files (MAJORS="14 16 17")
	@$(MAKE) --no-print-directory test-matrix TESTS='$(SECURITY)'

bench: release ## measure what docs/benchmarks.md claims (its options: ARGS="...")
	@scripts/ensure-postgres
	@scripts/bench-apply $(ARGS)

bench-impact: release ## measure what an application notices while indexes are built
	@scripts/ensure-postgres
	@scripts/bench-impact $(ARGS)

bench-large: release ## measure what is larger than usual (one part: ARGS=texts)
	@scripts/ensure-postgres
	@scripts/bench-large $(ARGS)

bench-plan: release ## measure what it costs to find out what is to be done
	@scripts/ensure-postgres
	@scripts/bench-plan $(ARGS)

bench-check: release ## measure what a check of many relations costs
	@scripts/ensure-postgres
	@scripts/bench-check $(ARGS)

bench-advise: release ## measure what the indexes that advise chooses are worth (ARGS=nova, tpc-h, tpc-ds)
	@scripts/ensure-postgres
	@scripts/ensure-cargo-tool tpcgen-cli
	@scripts/bench-advise $(ARGS)

check-schemas: release ## look at schemas of real projects with check (ARGS="name=structure.sql ...")
	@scripts/ensure-postgres
	@scripts/check-schemas $(ARGS)

bench-load: release ## compare load with pgbench, and Nova CRM before and after its indexes
	@scripts/ensure-postgres
	@scripts/bench-load $(ARGS)

bench-serve: release ## measure what serve answers, and what it asks the database
	@scripts/ensure-postgres
	@scripts/bench-serve $(ARGS)

bench-fleet: release ## measure one run over 200 databases, and over 1,000 schemas
	@scripts/ensure-postgres
	@scripts/bench-fleet $(ARGS)

bench-refresh: release ## measure what a refresh costs beyond its statement
	@scripts/ensure-postgres
	@scripts/bench-refresh $(ARGS)

bench-vacuum: release ## measure what it costs to find out what is due
	@scripts/ensure-postgres
	@scripts/bench-vacuum $(ARGS)

bench-statements: release ## measure what a look at the statements costs
	@scripts/ensure-postgres
	@scripts/bench-statements $(ARGS)

bench-verify: release ## measure what it costs to verify migrations
	@scripts/ensure-postgres
	@scripts/bench-verify $(ARGS)

faults: ## disturb builds and rebuilds in every way at random moments (ROUNDS=300)
	@scripts/ensure-postgres
	PGTEND_FAULT_ROUNDS=$(or $(ROUNDS),300) $(CARGO) test --test it faults -- --nocapture

choice: ## compare what is due with what autovacuum does (TABLES=1000)
	@scripts/ensure-postgres
	PGTEND_CHOICE_TABLES=$(or $(TABLES),1000) $(CARGO) test --test it choice -- --nocapture

pages: ## write what README and docs show of commands anew
	@scripts/ensure-postgres
	PGTEND_UPDATE_PAGES=1 $(CARGO) test --quiet --test it pages::
	INSTA_UPDATE=always INSTA_FORCE_PASS=1 $(CARGO) test --quiet --test it messages::

mutations: ## plan with files broken in many ways (ROUNDS=5000, SEED=1)
	@scripts/ensure-postgres
	PGTEND_PLAN_ROUNDS=$(or $(ROUNDS),5000) PGTEND_PLAN_SEED=$(or $(SEED),1) \
	    $(CARGO) test --test it mutated_plan -- --nocapture

# libFuzzer's hooks are not stable: a nightly has them, and any other with RUSTC_BOOTSTRAP.
FUZZ_TOOLCHAIN ?= nightly
# There is no unsafe code to sanitize, and a sanitizer has memory of its own.
FUZZ := RUSTC_BOOTSTRAP=1 $(CARGO) $(FUZZ_TOOLCHAIN:%=+%) fuzz run --fuzz-dir fuzz --sanitizer none

fuzz: ## look for input that breaks a parser (TARGET=declared, SECONDS=600; needs FUZZ_TOOLCHAIN)
	@scripts/ensure-cargo-tool cargo-fuzz
	@for target in $(or $(TARGET),$(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))); do \
	    mkdir -p fuzz/corpus/$$target; \
	    $(FUZZ) $$target fuzz/corpus/$$target tests/fixtures sql -- -max_total_time=$(or $(SECONDS),600) \
	        -timeout=10 -rss_limit_mb=500 -max_len=65536 -dict=fuzz/words.dict || exit; \
	done

# Macros name the modules of these, which hides them from cargo fmt.
BY_MACRO := $(wildcard src/jobs/check/rules/*/*.rs)

fmt: ## format all of the source
	$(CARGO) fmt --all
	@rustfmt $(BY_MACRO)

fmt-check:
	$(CARGO) fmt --all --check
	@rustfmt --check $(BY_MACRO)

clippy:
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --package pg-sandbox -- -D warnings

shellcheck: ## look for mistakes in the scripts
	@scripts/ensure-shellcheck
	shellcheck -x .ci/run $$(grep -lsE '^#!.*sh$$' scripts/* examples/github-action/*)

lint: ## check the formatting, and clippy with warnings as errors
	@scripts/ensure-lint-tools
	@$(MAKE) --no-print-directory fmt-check clippy

deny: ## look for known weaknesses, and licences that do not fit, of what pgtend is made of
	@scripts/ensure-cargo-tool cargo-deny
	$(CARGO) deny --workspace check

docs: ## build the book: target/book/index.html
	@scripts/ensure-cargo-tool mdbook
	mdbook build docs
	@cp -R examples target/book/ && perl -pi -e 's|"\.\./examples/|"examples/|g' target/book/*.html

pictures: build ## draw the pictures of the pages anew
	@scripts/ensure-postgres
	@scripts/picture

package: ## build each package from the files that it would publish
	$(CARGO) package --workspace

msrv: ## check that the oldest Rust that Cargo.toml names builds it
	@rustup run $(MSRV) rustc --version || rustup toolchain install --profile minimal $(MSRV)
	$(CARGO) +$(MSRV) check --workspace --locked --target-dir target/msrv

doc: ## build the internal documentation, with warnings as errors
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps --document-private-items

install: ## install the binary with cargo (elsewhere: PREFIX=/usr/local)
	$(CARGO) install --locked --path . $(if $(PREFIX),--root $(PREFIX))

man: ## write the manual pages into target/dist/man
	@mkdir -p $(DIST)/man
	$(RUN) man --dir $(DIST)/man

completions: ## write the shell completions into target/dist/completions
	@mkdir -p $(DIST)/completions
	$(RUN) completions bash > $(DIST)/completions/pgtend.bash
	$(RUN) completions zsh > $(DIST)/completions/_pgtend
	$(RUN) completions fish > $(DIST)/completions/pgtend.fish

dist: man completions ## build a .deb, an .rpm and a tarball with checksums: target/dist
	@scripts/ensure-cargo-tool cargo-deb
	@scripts/ensure-cargo-tool cargo-generate-rpm
	scripts/dist $(DIST)

test-dist: dist ## install what dist packs into fresh systems, and run the demo there (needs root)
	@scripts/ensure-fresh-systems
	scripts/test-dist $(DIST)

clean: ## remove everything that was built (not the cache of servers)
	$(CARGO) clean
