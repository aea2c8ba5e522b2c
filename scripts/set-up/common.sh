# shellcheck shell=bash
# What the set-up steps share. Messages go to stderr, as a stage's progress does.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

have() { command -v "$1" >/dev/null; }

# has_sha256 FILE SHA256: whether FILE is there, whole and the right one.
has_sha256() {
    [[ -f $1 ]] || return 1
    # macOS has shasum, but only of late sha256sum.
    if have sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | grep -q "^$2 "
}
