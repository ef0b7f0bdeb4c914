# SPDX-License-Identifier: GPL-2.0-only
# For shell tests: a folder of their own, in $work, and TAP. To be sourced.

count=0
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# report NAME OK: one line of TAP; what the last command said follows a failure, from the files named in $said.
report()
{
	count=$((count + 1))
	if [ "$2" = 0 ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	failed=1
	# shellcheck disable=SC2086 # a list of files, or none
	[ -z "${said:-}" ] || sed 's/^/# /' $said | head -40
}

# run CODE ARGUMENTS...: true when $foliofuzz ends with CODE; output in `out` and `err`.
run()
{
	local want=$1 got
	shift
	"$foliofuzz" "$@" >out 2>err </dev/null
	got=$?
	[ "$got" = "$want" ] && return 0
	echo "expected exit code $want, found $got: foliofuzz $*" >>err
	return 1
}

# refused NAME MESSAGE ARGUMENTS...: exit code 1, and MESSAGE in one line of standard error.
refused()
{
	local name=$1 message=$2
	shift 2
	run 1 "$@" && grep -qF -- "$message" err
	report "$name" $?
}

# The plan comes last; the test's exit code.
finish()
{
	echo "1..$count"
	exit $failed
}
