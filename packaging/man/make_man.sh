#!/bin/sh
# Makes one manual page out of a program's own help and pages of docs/, by pandoc.
#   make_man.sh OUT NAME SECTION VERSION DATE DESCRIPTION HELP [PAGE...]
# HELP: a command that prints the synopsis; '' for none. PAGE: a Markdown file.
set -eu
out=$1 name=$2 section=$3 version=$4 date=$5 description=$6 help=$7
shift 7
here=$(dirname "$0")
{
  printf '## NAME\n\n%s - %s\n\n' "$name" "$description"
  if [ -n "$help" ]; then
    printf '## SYNOPSIS\n\n```\n'
    $help
    printf '```\n'
  fi
  for page; do
    printf '\n'
    cat -- "$page"
  done
  printf '\n## SEE ALSO\n\nrealmgwd(8), realmgwctl(1), realmgw.yaml(5); the pages in /usr/share/doc/realmgw\n'
} | pandoc --standalone --from gfm --to man --lua-filter "$here/man.lua" --metadata title="$name" \
  --metadata section="$section" --metadata footer="realmgw $version" --metadata header="Realm Gateway" --metadata date="$date" |
  # pandoc puts a paragraph macro behind each heading, and names a font that man(7) does not know.
  awk '/^\.PP$/ && heading { heading = 0; next } { heading = /^\.S[HS] /; gsub(/\\f\[C\]/, "\\f[R]"); print }' >"$out"
