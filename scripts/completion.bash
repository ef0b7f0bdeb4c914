# SPDX-License-Identifier: GPL-2.0-only
# Completion for bash: commands, their options, and the names that options take, all asked of the program itself.
# Installed as share/bash-completion/completions/foliofuzz; or: . scripts/completion.bash

_foliofuzz_words()
{
	case $2 in
	--strategy) "$1" "$3" --help | sed -n 's/^  --strategy S *\([a-z, ]*\)\(:.*\)*$/\1/p' | sed 's/,/ /g; s/ or / /' ;;
	--kernel) "$1" generations | sed -n 's/^\([a-z0-9.-]\{1,\}\) .*/\1/p' ;;
	--bug) "$1" bugs | sed -n 's/^\([a-z0-9-]\{1,\}\) .*/\1 -\1/p'; echo none ;;
	--vehicle) "$1" "$3" --help | grep -q -- --delay && echo fiber pthread free || echo fiber pthread ;;
	--trace) echo text json perfetto html ;;
	--to) echo text binary ;;
	--engine) echo random libfuzzer afl ;;
	esac
}

_foliofuzz()
{
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words

	if [ "$COMP_CWORD" = 1 ]; then
		words=$("$program" --help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p')
	elif [[ $before == --* ]] && words=$(_foliofuzz_words "$program" "$before" "${COMP_WORDS[1]}") && [ -n "$words" ]; then
		:
	elif [[ $word == -* ]]; then
		words=$("$program" "${COMP_WORDS[1]}" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p')
	elif [ "${COMP_WORDS[1]}" = bugs ]; then
		words="list show check $("$program" bugs | sed -n 's/^\([a-z0-9-]\{1,\}\) .*/\1/p')"
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o filenames -F _foliofuzz foliofuzz
