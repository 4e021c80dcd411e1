#!/bin/sh
# Prints docs/realmgwctl.md: what the program itself says. print_cli.sh PATH_OF_REALMGWCTL
set -eu
ctl=$1
cat <<'HEAD'
# realmgwctl

Made from the program's own help by `tests/docs/print_cli.sh`; a test compares.

```
HEAD
"$ctl" --help
echo '```'
"$ctl" --help | sed -n 's/^  \([a-z]\{1,\}\( [a-z]\{1,\}\)\{0,1\}\)  .*/\1/p' | while read -r command; do
  printf '\n## %s\n\n```\n' "$command"
  # shellcheck disable=SC2086 # a command may be two words
  "$ctl" $command --help
  echo '```'
done
