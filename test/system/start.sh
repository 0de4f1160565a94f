#!/bin/sh
# An instance starts, runs its initial program, and goes away without a trace.
. "$(dirname "$0")/sys.sh"

exits 0 'flux start true' flux start true
exits 3 "the initial program's exit code is the instance's" flux start sh -c 'exit 3'
exits 143 'a program ended by a signal gives 128 + signal' flux start sh -c 'kill -TERM $$'
prints 1 'size is 1' flux start flux getattr size
prints 0 'rank is 0' flux start flux getattr rank
prints 0 'instance-level is 0' flux start flux getattr instance-level
prints none 'a throw-away instance promises no durability' flux start flux getattr broker.durability
says '^local://' 'FLUX_URI is set in the program' flux start sh -c 'echo $FLUX_URI'
rundir=$(flux start flux getattr rundir)
if [ -n "$rundir" ] && [ ! -e "$rundir" ]; then
    pass 'the rundir is gone afterwards'
else
    fail 'the rundir is gone afterwards' "$rundir"
fi
mkdir private && chmod 700 private
prints "$TMP/private" 'a given rundir is used' flux start --rundir="$TMP/private" flux getattr rundir
if [ -d private ]; then pass 'a given rundir is kept'; else fail 'a given rundir is kept'; fi
exits 127 'a missing initial program gives 127' flux start ./no-such-program
says 'no-such-program' 'and is named' flux start ./no-such-program
says '/no/such/place' 'a missing parent of the rundir is named' \
    flux start --rundir=/no/such/place/rundir true
touch file
says "$TMP/file" 'a rundir that is no folder is named' flux start --rundir="$TMP/file" true
says 'no-such-option' 'an unknown option is named' flux start --no-such-option true
exits 1 'and refused' flux start --no-such-option true
says 'nonsense' 'a bad attribute setting is named' flux start -S nonsense true
echo 'key = = 1' >bad.toml
says 'bad.toml' 'a broken configuration file is named' flux start --config-path=bad.toml true

prints power 'an instance with a statedir survives power loss' \
    flux start --statedir="$TMP/state" flux getattr broker.durability
mkfifo hold
flux start --statedir="$TMP/state" sh -c 'echo up; read -r x' >up.txt <hold &
holder=$!
exec 9>hold
wait_for 20 test -s up.txt || fail 'the first instance came up'
says 'state' 'a second broker on the same statedir is refused and told why' \
    flux start --statedir="$TMP/state" true
exits 1 'with exit code 1' flux start --statedir="$TMP/state" true
exec 9>&-
wait "$holder"
exits 0 'and welcome when the first is gone' flux start --statedir="$TMP/state" true
done_testing
