#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# people_test.sh FOLIOFUZZ - help, manual page and completion name every command and option, and colour stays away where it should. Prints TAP.
set -u

foliofuzz=$(realpath "$1")
scripts=$(realpath "$(dirname "$0")")
. "$scripts/tap.sh"

# complete WORD...: what the last word may become.
complete_words()
{
	(
		. "$scripts/completion.bash"
		COMP_WORDS=("$foliofuzz" "$@")
		COMP_CWORD=$#
		_foliofuzz
		printf '%s\n' "${COMPREPLY[@]}"
	)
}

"$scripts/manpage" "$foliofuzz" >"$work/page"
report "a manual page" $?
commands=$("$foliofuzz" --help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p')
missing=""
for command in $commands; do
	grep -q "^\.SS \"$command\"" "$work/page" || missing="$missing $command"
	"$foliofuzz" "$command" --help >"$work/help" || missing="$missing $command--help"
	grep -q '^examples:' "$work/help" || missing="$missing examples-of-$command"
	for option in $(sed -n 's/^  \(--[a-z-]*\).*/\1/p' "$work/help"); do
		grep -qF -- "${option//-/\\-}" "$work/page" || missing="$missing $command$option"
		complete_words "$command" "$option" | grep -qxF -- "$option" || missing="$missing completion-of-$command$option"
	done
done
[ -z "$missing" ]
report "every command and option is in help, page and completion$missing" $?
if command -v groff >/dev/null; then
	[ -z "$(groff -man -ww -Tutf8 "$work/page" 2>&1 >/dev/null)" ]
	report "groff has nothing to say about the page" $?
fi
complete_words run --kernel v6. | grep -qx v6.12
report "completion of kernels" $?
complete_words run --bug -partially | grep -qx -- -partially-mapped-nonatomic
report "completion of bugs" $?
complete_words run --strategy p | grep -qx pct
report "completion of strategies" $?
complete_words campaign --engine a | grep -qx afl
report "completion of engines" $?
complete_words mi | grep -qx minimise
report "completion of commands" $?

bug=$scripts/../corpus/bugs/partially-mapped-nonatomic/min.prog
escape=$(printf '\033')
"$foliofuzz" replay "$bug" >"$work/plain"
! grep -q "$escape" "$work/plain"
report "no colour but on a terminal" $?
if command -v script >/dev/null; then
	unset NO_COLOR
	script -qec "$foliofuzz replay $bug" /dev/null >"$work/tty" </dev/null
	grep -q "$escape" "$work/tty"
	report "colour on a terminal" $?
	NO_COLOR=1 script -qec "$foliofuzz replay $bug" /dev/null >"$work/tty" </dev/null
	! grep -q "$escape" "$work/tty"
	report "NO_COLOR" $?
fi
finish
