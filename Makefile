# Everything a newcomer or CI needs. Each target installs what it is missing, or says what to install.
.PHONY: help run test check fmt audit bench fuzz generated clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: ## Build, and start on 127.0.0.1:3010 with ./data (SQLite). More flags: make run ARGS="--log-level debug"
	@scripts/run.sh $(ARGS)

test: ## Every test, on SQLite and on PostgreSQL
	@scripts/test.sh

check: ## Formatting, lints, generated files
	@scripts/check.sh

fmt: ## Format the code
	cargo fmt --all

generated: ## Write the generated documents anew
	@scripts/generated.sh

audit: ## Licences, bans and sources of dependencies
	@scripts/audit.sh

bench: ## Measure against limits; see bench/README.md
	@bench/run.sh

fuzz: ## Fuzz the readers of queries and writes for ten minutes; see fuzz/README.md
	@scripts/fuzz.sh $(MINUTES)

clean: ## Remove what was built
	cargo clean
	rm -rf tests/clients/node_modules
