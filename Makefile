# Jobs of this project, one verb each. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The benchmark package stands apart: its dependencies bring plugins for pytest, which reads only .venv.
DOJO := $(VENV)/agentdojo
CARGO_FLAGS ?= --locked
REQUESTS ?= 10000000
FIRST_SEED ?= 1
REPORT ?= target/agreement.json
FREE_THREADED ?= python3.14t
FUZZ_SECONDS ?= 60
# What is measured and what is shipped is compiled twice, the second time with a profile; `PGO=` leaves that out.
PGO ?= --pgo
PROFILED := $(if $(PGO),CARGO_TARGET_DIR=target/profiled)
LLVM_TOOLS = $(if $(PGO),if command -v rustup > /dev/null; then rustup component add llvm-tools; fi)
FUZZ_TARGETS ?= bundle entities context agreement columns arguments kinds tasks recorded
MUTANTS ?= evaluate decimal ipaddr datetime authorize index kernels request

.PHONY: help demo recorded test build lint format types rust-test python-test bench bench-report agreement fuzz fuzz-replay mutants wheel wheel-free-threaded clean

help: ## list the jobs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

build: $(STAMP) ## build the extension into .venv
	$(BIN)/maturin develop --quiet --release

$(DOJO)/.installed: examples/agentdojo/requirements.txt | $(STAMP)
	$(BIN)/python -m pip install --quiet --upgrade --target $(DOJO) -r $<
	touch $@

demo: build $(DOJO)/.installed ## decide the examples' requests and guard a benchmark's tasks, and show the results
	$(BIN)/agentpdp check examples/assistant/bundle
	$(BIN)/agentpdp decide examples/assistant/bundle examples/assistant/requests.jsonl --output $(VENV)/decisions.jsonl
	$(BIN)/agentpdp bench examples/assistant/bundle examples/assistant/requests.jsonl --rounds 5
	$(BIN)/python examples/embed.py
	$(BIN)/python examples/multi_agent/run.py
	PYTHONPATH=$(DOJO) $(BIN)/python examples/agentdojo/run.py

recorded: build $(DOJO)/.installed ## guard the recorded runs of ../shared/agentdojo, where they are
	PYTHONPATH=$(DOJO) $(BIN)/python examples/agentdojo/recorded.py

test: lint types rust-test python-test ## run every check and every test

lint: $(STAMP) ## ruff, rustfmt, clippy with warnings denied
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings

format: $(STAMP) ## format everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cargo fmt --all

types: build ## mypy strict, stubtest
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest agentpdp._core

rust-test: ## tests of the Rust crates
	cargo test $(CARGO_FLAGS) --workspace --quiet

python-test: build ## tests of the Python package, benches in test mode
	$(BIN)/python -m pytest

bench: build ## the benches, timed
	$(BIN)/python -m pytest benches --benchmark-only

bench-report: $(STAMP) ## the table of docs/benchmarks.md, of a build like the wheel's
	$(LLVM_TOOLS)
	$(PROFILED) $(BIN)/maturin develop --quiet --release $(PGO)
	cargo build $(CARGO_FLAGS) --quiet --release --package agentpdp-bench
	$(BIN)/python benches/report.py

agreement: build ## the long agreement run (REQUESTS=10000000 FIRST_SEED=1 REPORT=target/agreement.json); goes on where it was
	mkdir -p $(dir $(REPORT))
	$(BIN)/python tests/properties/long_run.py --requests $(REQUESTS) --first-seed $(FIRST_SEED) --workers 2 --report $(REPORT)

fuzz: ## fuzz each target for FUZZ_SECONDS=60 (nightly toolchain); what crashes is kept
	cargo fuzz --version > /dev/null 2>&1 || cargo install cargo-fuzz --locked
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus-run/$$target && \
		cargo +nightly fuzz run --sanitizer none $$target fuzz/corpus-run/$$target fuzz/corpus_kept/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
			$$(ls fuzz/dictionaries/$$target.dict 2> /dev/null | sed 's/^/-dict=/') || \
		{ cp fuzz/artifacts/$$target/* fuzz/corpus_kept/$$target/; exit 1; }; \
	done

fuzz-replay: ## replay the kept inputs of all fuzz targets, on the stable toolchain
	cargo test $(CARGO_FLAGS) --package agentpdp-fuzz --test replay

mutants: build ## mutate the semantic modules (MUTANTS="evaluate authorize") and run the tests
	cargo mutants --version > /dev/null 2>&1 || cargo install cargo-mutants --locked
	$(BIN)/python tests/mutants/run.py $(MUTANTS) --report target/mutants.json

wheel: $(STAMP) ## wheel, profile-guided, and sdist into dist/ (PGO= compiles only once)
	$(LLVM_TOOLS)
	$(BIN)/maturin sdist --out dist
	$(PROFILED) $(BIN)/maturin build --release $(PGO) --out dist

wheel-free-threaded: $(STAMP) ## wheel for a free-threaded interpreter, of its version (FREE_THREADED=python3.14t)
	$(LLVM_TOOLS)
	$(PROFILED) $(BIN)/maturin build --release $(PGO) --no-default-features --interpreter $(FREE_THREADED) --out dist

clean: ## remove what was built
	rm -rf target dist $(VENV)
