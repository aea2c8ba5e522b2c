# shellcheck shell=bash
# What the set-up steps share. Messages go to stderr, as a stage's progress does.

unset CDPATH # with it, cd says where it went
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# For what is set up once per machine.
cache=${XDG_CACHE_HOME:-${HOME-}/.cache}/latent-study

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
    if have sha256sum; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | grep -q "^$2 "
}

# make_cache: ends the step where nothing says where the cache may be.
make_cache() {
    [[ $cache == /* && -n ${XDG_CACHE_HOME:-${HOME-}} ]] ||
        die "nowhere to keep what is set up once per machine: set HOME, or XDG_CACHE_HOME to an absolute path"
    mkdir -p "$cache"
}

# require_space WHAT MB: ends the step where the cache's disk has no room for WHAT.
require_space() {
    local free_mb
    free_mb=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
    ((free_mb >= $2)) ||
        die "$cache has $free_mb MB free, setting $1 up needs $2 MB; free some or set XDG_CACHE_HOME"
}

# lock FILE WHAT: two clones may be set up at the same time, or one twice. The lock lives as long as this process and what it started.
lock() {
    have flock || return 0
    if [[ -d $1 ]]; then exec 9<"$1"; else exec 9>"$1"; fi
    flock -n 9 && return
    say "$2: waiting for another set-up on this machine"
    flock 9
}

# lock_cache WHAT
lock_cache() { lock "$cache/lock" "$1"; }

# work_folder PATH: prints a new folder, PATH with something behind that nobody else would choose. What killed set-ups left of theirs
# goes, where a lock says that nobody is at work there.
work_folder() {
    if have flock; then rm -rf "$1".set-up.??????; fi
    mktemp -d "$1.set-up.XXXXXX"
}
