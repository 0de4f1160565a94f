# Helpers of the system tests: sourced with the build folder as $1. Each check prints a line; the
# script's exit code tells whether all passed.
SELF=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
BUILD=$(cd "${1:?usage: TEST.sh BUILDDIR}" && pwd)
PATH=$BUILD/cmd:$PATH
export PATH
[ -n "${FLUX_TEST_INSIDE:-}" ] || unset FLUX_URI FLUX_JOB_ID
TMP=$(mktemp -d "${TMPDIR:-/tmp}/flux-test-XXXXXX")
trap 'rm -rf "$TMP"' EXIT
cd "$TMP" || exit 1
failures=0
count=0

pass() {
    count=$((count + 1))
    echo "ok $count - $1"
}

fail() {
    count=$((count + 1))
    failures=$((failures + 1))
    echo "not ok $count - $1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/    /'
}

# succeeds DESCRIPTION COMMAND...
succeeds() {
    what=$1
    shift
    if out=$("$@" 2>&1); then pass "$what"; else fail "$what" "exit $?: $out"; fi
}

# exits CODE DESCRIPTION COMMAND...: what it says stays in $out
exits() {
    code=$1 what=$2
    shift 2
    out=$("$@" 2>&1)
    got=$?
    if [ "$got" -eq "$code" ]; then pass "$what"; else fail "$what" "exit $got, not $code: $out"; fi
}

# prints TEXT DESCRIPTION COMMAND...: stdout is exactly TEXT
prints() {
    want=$1 what=$2
    shift 2
    got=$("$@" 2>stderr.txt)
    if [ "$got" = "$want" ]; then
        pass "$what"
    else
        fail "$what" "printed: $got
wanted: $want
stderr: $(cat stderr.txt)"
    fi
}

# says PATTERN DESCRIPTION COMMAND...: stdout or stderr has a line that matches
says() {
    pattern=$1 what=$2
    shift 2
    got=$("$@" 2>&1)
    if printf '%s\n' "$got" | grep -Eq -- "$pattern"; then
        pass "$what"
    else
        fail "$what" "printed: $got
wanted a match of: $pattern"
    fi
}

# ctl LINE: say it to the launcher of this instance, print the answer
ctl() {
    "$BUILD/test/system/startctl" "$1"
}

# All brokers are there.
is_full() {
    flux overlay status --summary | grep -q full
}

# Run the function named by $1 inside an instance; further arguments go to flux start.
inside() {
    fn=$1
    shift
    FLUX_TEST_INSIDE=$fn flux start "$@" sh "$SELF" "$BUILD" || failures=$((failures + 1))
}

done_testing() {
    echo "1..$count"
    exit $((failures > 0))
}

# wait_for SECONDS COMMAND...: poll until it succeeds
wait_for() {
    tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        python3 -c "import select; select.select([], [], [], 0.05)"
    done
}
