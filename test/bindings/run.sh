#!/bin/sh
# run.sh BUILDDIR INTERPRETER FILE [ARGS]: run a test of the bindings inside an instance, of $BROKERS
# brokers (1).
set -eu
PATH=$(cd "$1" && pwd)/cmd:$PATH
export PATH
unset FLUX_URI FLUX_JOB_ID PYTHONPATH LUA_CPATH
interpreter=$2
file=$3
shift 3
size=--test-size=${BROKERS:-1}
case $interpreter in
python) exec flux start "$size" --test-cores=8 flux python -X dev -W error "$file" "$@" ;;
lua)
    # What a reader of standard input finds there, and is told to find.
    LUA_CPATH="$(flux config builtin lua_cpath_add);;"
    export LUA_CPATH
    echo 'some input' | flux start "$size" --test-cores=8 "${LUA:-lua5.4}" "$file" 'some input
' "$@"
    exit
    ;;
esac
exec flux start "$size" --test-cores=8 "$interpreter" "$file" "$@"
