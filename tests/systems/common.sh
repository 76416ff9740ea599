# What `check` and `run` share: how a program for another system is had. To be sourced.

# Installs Debian packages that are missing. Fails, and says why, if they cannot be had.
install() {
    local package missing=()
    for package; do
        if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$'; then missing+=("$package"); fi
    done
    if [ ${#missing[@]} -eq 0 ]; then return 0; fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "only root can install it with apt-get: ${missing[*]}"
        return 1
    fi
    local log
    log=$(mktemp)
    if ! {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1; then
        tail -n 3 "$log"
        rm -f "$log"
        echo "apt-get cannot install it: ${missing[*]}"
        return 1
    fi
    rm -f "$log"
}

# The standard library of other systems: rustup's, or built from the sources that Debian has beside a compiler of its own.
# Sets `build_std`, the arguments for cargo. SYSTEMS_RUST=debian leaves rustup out.
rust_for() {
    build_std=()
    if [ "${SYSTEMS_RUST:-}" != debian ] && command -v rustup >/dev/null && rustup target add "$@" 2>/dev/null; then
        return 0
    fi
    install rustc-web rust-web-src || return 1
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    build_std=(-Zbuild-std=std,panic_unwind,test)
}
