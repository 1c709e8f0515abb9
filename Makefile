# Each target installs what it needs first (packaging/provision) and is enough on a fresh Debian 12 with Rust,
# Node.js and npm. Do not call make through sudo: it asks for sudo itself, and only to install packages.

# rustup's home, for shells that do not have it in PATH.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help run test bench
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build and start Connectory; options of `serve` go in ARGS="…"
	@sh packaging/provision run
	cargo build --locked --profile quick --bin connectory
	@exec $(TARGET)/quick/connectory serve $(ARGS)

test: ## formatting, lints and every test, with a real PostgreSQL and a real browser
	@sh packaging/provision test
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked --no-fail-fast

bench: ## measure; options of the benchmarks go in ARGS="…"
	@sh packaging/provision bench
	cargo bench --locked --bench pages --bench calls $(if $(ARGS),-- $(ARGS))
