# Shared by the scripts: where things are, and installing what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
TARGET_DIR=${CARGO_TARGET_DIR:-target}

say() { printf '\n==> %s\n' "$*" >&2; }

# need_packages PROGRAM PACKAGE...: installs Debian packages if PROGRAM is not to be found.
need_packages() {
    local program=$1
    shift
    command -v "$program" >/dev/null && return
    install_packages "$@"
}

install_packages() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            printf 'Missing: %s. Install it as root and try again:\n    apt-get install -y --no-install-recommends %s\n' "$*" "$*" >&2
            exit 1
        fi
    fi
    say "installing $*"
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@"
}

need_rust() {
    command -v cargo >/dev/null || {
        echo 'Missing: Rust. Install it from https://rustup.rs and try again.' >&2
        exit 1
    }
    # SQLite is compiled from C.
    need_packages cc gcc libc6-dev
}
