#!/bin/sh
# An installed tree that has been moved: commands, manual pages, and a program built against it with
# pkg-config. usage: installed.sh BUILDDIR [SANITIZER [WORK]]; with WORK, the build's prefix is
# WORK/first, and the moved tree stays in WORK/moved; else DESTDIR stands in for a prefix.
. "$(dirname "$0")/../system/sys.sh"
here=$(dirname "$SELF")
sanitizer=${2:-none}
work=${3:-$TMP}
moved=$work/moved
unset MANPATH LD_LIBRARY_PATH PKG_CONFIG_PATH
build_path=$PATH

install_and_move() {
    if [ "$work" = "$TMP" ]; then
        set -- --destdir="$work/first"
    fi
    meson install -C "$BUILD" --no-rebuild --quiet "$@" || return 1
    bin=$(find "$work/first" -path '*/bin/flux')
    mv "$(dirname "$(dirname "$bin")")" "$moved" && rm -rf "$work/first"
}

builds() {
    # shellcheck disable=SC2086
    flags=$(pkg-config $pkg_options --cflags --libs flux-broker flux-core) || return 1
    # shellcheck disable=SC2086
    cc -std=c11 -Wall -Wextra -Werror "$@" $flags -Wl,-rpath,"$libdir" || return 1
}

# The program of flux-embedding(7), with the page's escapes undone.
program_of_the_page() {
    sed -n '/^#include <err.h>/,/^\.Ed/{/^\.Ed/!{s/\\e/\\/g;p;};}' "$(man_page flux-embedding 7)"
}

man_page() {
    found=$moved/share/man/man$2/$1.$2
    if command -v man >/dev/null; then
        env PATH="$moved/bin:$PATH" man -w "$2" "$1"
    else
        [ -s "$found" ] && echo "$found"
    fi
}

page_is_ours() {
    page=$(man_page "$1" "$2") && [ -s "$page" ] || return 1
    case $(readlink -f "$page") in
    "$(readlink -f "$moved")"/*) ;;
    *) echo "found $page" && return 1 ;;
    esac
}

looks_beside_itself() {
    for file in "$moved/bin/flux" "$moved/bin/flux-broker" "$moved/bin/flux-shell" "$libdir"/*.so \
        $(find "$moved" -name '_flux*.so' -o -path '*/lua/*' -name flux.so); do
        readelf -d "$file" | grep -E 'RPATH|RUNPATH' | grep -v '\[\$ORIGIN' && return 1
    done
    return 0
}

succeeds 'the tree is installed, and moved' install_and_move
libdir=$(dirname "$(find "$moved" -name libflux-broker.so)")
PATH=$moved/bin:${build_path#*:}
PKG_CONFIG_PATH=$libdir/pkgconfig
export PATH PKG_CONFIG_PATH
pkg_options=
if ! grep -q pcfiledir "$PKG_CONFIG_PATH/flux-core.pc"; then
    echo '# this build folder was set up without pkgconfig.relocatable'
    pkg_options=--define-variable=prefix=$moved
fi

succeeds 'libraries are looked for beside the program' looks_beside_itself
succeeds 'flux start true' flux start true
prints "$moved/bin/flux" 'flux is the moved one' command -v flux
# shellcheck disable=SC2016
prints "hello
hello
$moved/bin/flux-shell" 'flux-submit, flux-run, and the shell of the moved tree' flux-start sh -c \
    'flux-submit --quiet --wait --output=out.txt echo hello; cat out.txt; flux-run echo hello
     flux-run sh -c "readlink /proc/\$PPID/exe"'
for name in "$moved"/bin/flux-*; do
    case $name in
    *-broker | *-proxy | *-shell) ;;
    *) [ "$(readlink "$name")" = flux ] || fail "$name is a link to flux" ;;
    esac
done
says '^Usage:' 'flux-jobs is flux jobs' flux-jobs --help
if [ "$sanitizer" = none ] && find "$moved" -name '_flux*.so' | grep -q .; then
    says "^$moved/.*/flux/__init__.py 1\$" 'flux python imports the moved package' \
        flux start flux python -c 'import flux; print(flux.__file__, flux.Flux().get_size())'
fi
lua_module=$(find "$moved" -path '*/lua/*' -name flux.so)
if [ "$sanitizer" = none ] && [ -n "$lua_module" ] && command -v lua5.4 >/dev/null; then
    prints "$(dirname "$lua_module")/?.so" 'flux knows where the Lua module is' \
        flux config builtin lua_cpath_add
    prints 1 'lua finds it there' env "LUA_CPATH=$(flux config builtin lua_cpath_add)" \
        flux start lua5.4 -e 'print(require("flux").new().size)'
fi
succeeds 'the manual page of a command' page_is_ours flux-submit 1
succeeds 'of a function, under each of its names' page_is_ours flux_rpc_pack 3
succeeds 'of the configuration' page_is_ours flux-config 5
succeeds 'of embedding' page_is_ours flux-embedding 7
program_of_the_page >page.c
sed -n '/^#include <err.h>/,$p' "$here/example.c" >example.c
succeeds 'flux-embedding(7) shows the program that is tested here' cmp page.c example.c

[ "$sanitizer" = none ] || set -- "-fsanitize=$sanitizer"
[ "$sanitizer" != none ] || set --
succeeds 'a program builds with pkg-config' builds "$@" -o example "$here/example.c"
succeeds 'it runs 100 jobs in its own instance' sh -c './example >results.txt'
prints 100 'and prints 100 results' sh -c 'grep -c "\"result\":1,.*\"waitstatus\":0" results.txt'
for lib in flux-idset flux-hostlist; do
    succeeds "pkg-config $lib" pkg-config --exists --print-errors "$lib"
done
done_testing
