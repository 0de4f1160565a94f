# kvs_model on a folder of its own: PROGRAM BUILD SEED OPERATIONS
PATH=$2/cmd:$PATH
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$1" "$3" "$4" "$work"
