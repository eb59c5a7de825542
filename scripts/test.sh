#!/usr/bin/env bash
# Every check and every test, on a fresh Debian or Ubuntu machine with Rust: installs what is missing, then runs.
# Works as root, or as a user with sudo. Without a network it works as long as nothing is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Real voices for the tests of hearing: Asterisk's recordings in five languages (CC-BY-SA), about 100 MB. The voice that
# makes sound of a profile's texts. And for the store's tests, which run on SQLite and on a throw-away PostgreSQL, that.
packages=(asterisk-core-sounds-{en,es,fr,it,ru}-wav espeak-ng postgresql)

fail() {
    printf '\ntest.sh: %s\n' "$*" >&2
    exit 1
}

step() {
    printf '\n== %s (%d s)\n' "$*" "$SECONDS"
}

as_root() {
    if ((EUID == 0)); then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

install_packages() {
    local missing=() package
    command -v cc >/dev/null || missing+=(build-essential)
    command -v git >/dev/null || missing+=(git)
    # Twilio's own Python library is held against the model, in an environment below target/.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    for package in "${packages[@]}"; do
        # Where there is no dpkg, the recordings themselves are looked for by the tests that need them.
        command -v dpkg-query >/dev/null || continue
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null ||
        fail "needs ${missing[*]}, and this machine has no apt-get: install them (or their likes) and run again"
    echo "installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update ||
        echo "test.sh: apt-get update failed; trying with the package lists that are here" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${missing[@]}" ||
        fail "could not install ${missing[*]}; as root or with sudo, run: apt-get install ${missing[*]}"
}

install_rust_parts() {
    command -v cargo >/dev/null || fail "needs Rust: see https://rustup.rs, then run again"
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt ||
        fail "needs rustfmt: rustup component add rustfmt"
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy ||
        fail "needs clippy: rustup component add clippy"
}

# nextest tells more and runs one test per process; what it runs is the same, and building it takes minutes.
run_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        scripts/postgres.sh cargo nextest run --workspace --locked
    else
        echo "(cargo-nextest is not here: using cargo test)"
        scripts/postgres.sh cargo test --workspace --locked --lib --bins --tests --no-fail-fast
    fi
}

step "What is needed"
install_packages
install_rust_parts

step "Format"
cargo fmt --all --check || fail "not formatted: run cargo fmt --all"

step "Lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "Tests"
run_tests

step "Every order of what threads share"
RUSTFLAGS="--cfg offhook_loom" CARGO_TARGET_DIR=target/loom cargo test --locked -p offhook-engine --lib loom_

step "Examples in the documentation"
cargo test --workspace --locked --doc

step "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

step "Calls to the running service"
scripts/call.sh

step "The service, killed again and again"
cargo build --locked -p offhook --bin offhook --example crash
target/debug/examples/crash --kills 5 --mean-ms 700
# shellcheck disable=SC2016 # the URL is the inner shell's
scripts/postgres.sh sh -c 'target/debug/examples/crash --kills 5 --mean-ms 700 --database "$OFFHOOK_TEST_POSTGRES_URL"'

step "All passed"
