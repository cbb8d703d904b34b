#!/usr/bin/env bash
# Installs what only the tests need: PostgreSQL's programs, Node to run the vendors' SDKs, openssl, and a browser.
source "$(dirname "$0")/lib.sh"
need_rust
command -v node >/dev/null || {
    echo 'Missing: Node 20 or newer. Install it and try again.' >&2
    exit 1
}
# The test of mail makes an authority and a certificate with it.
need_packages openssl openssl
if ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && ! command -v postgres >/dev/null; then
    # Debian's package starts a cluster of its own unless it is told not to; tests start theirs.
    if [ "$(id -u)" -eq 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    install_packages postgresql postgresql-client
fi
# `GUILDHALL_CHROMIUM` names a browser that is somewhere else.
need_packages "${GUILDHALL_CHROMIUM:-chromium}" chromium
