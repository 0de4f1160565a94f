#!/bin/sh
# Each public header compiles alone, as C11 and as C++17, without a warning.
top=$1
fail=0
n=0
for h in "$top"/include/flux/*.h; do
    name=flux/$(basename "$h")
    n=$((n + 1))
    echo "#include <$name>" |
        ${CC:-cc} -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$top/include" -x c - ||
        { echo "$name: not clean C11"; fail=1; }
    echo "#include <$name>" |
        ${CXX:-c++} -std=c++17 -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$top/include" -x c++ - ||
        { echo "$name: not clean C++17"; fail=1; }
done
echo "$n headers"
[ "$n" -gt 0 ] && exit $fail
