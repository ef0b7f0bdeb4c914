#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bad_input_test.sh FOLIOFUZZ SOURCE_DIR - a table: what each command says of inputs that are corrupt, truncated, enormous, unreadable or
# gone, and of outputs that are full or read-only, and its exit code. Prints TAP.
set -u

foliofuzz=$(realpath "$1")
source_dir=$(realpath "$2")
count=0
failed=0
work=$(mktemp -d) || exit 1
mounted=
trap '[ -z "$mounted" ] || umount "$work/small"; rm -rf "$work"' EXIT
cd -P "$work" || exit 1

# ---- inputs and outputs ----
find=$source_dir/corpus/bugs/partially-mapped-nonatomic/min.prog
cp "$find" find.prog
printf 'world cpus=1\ncpu0 \000relax()\n' >corrupt.prog
sed 's/cpus=2/cpus=7/' "$find" >wrong.prog
head -c $(($(wc -c <"$find") / 2)) "$find" >cut.prog
"$foliofuzz" convert find.prog -o whole.bin
head -c $(($(wc -c <whole.bin) / 2)) whole.bin >cut.bin
LC_ALL=C awk 'BEGIN { for (i = 0; i < 3000; i++) printf "%c", i * i * 7919 % 251 + 1 }' >noise
: >empty
truncate -s 1T enormous
mkdir folder nothing
ln -s nowhere gone
mkdir bag && ln -s ../nowhere bag/gone && cp find.prog corrupt.prog bag/ && cp enormous bag/ --sparse=always 2>/dev/null || truncate -s 1T bag/enormous
mkdir -p work/corpus && cp corrupt.prog work/corpus/ && ln -s nowhere work/corpus/gone && truncate -s 1T work/corpus/enormous
mkdir small && mount -t tmpfs -o size=16k none small 2>/dev/null && mounted=yes && head -c 16384 /dev/zero >small/full
if [ "$(id -u)" != 0 ]; then
	cp find.prog secret.prog && chmod 0 secret.prog
	mkdir read-only && chmod 555 read-only
fi

# ---- the table: what | exit code | what standard error says | command line ----
while IFS='|' read -r what code message line; do
	what=$(echo $what) code=$((code)) message=${message# } message=${message%"${message##*[! ]}"}
	[ -n "$what" ] || continue
	case $what in
	*"(mounted)") [ -n "$mounted" ] || continue ;;
	*"(no root)") [ "$(id -u)" != 0 ] || continue ;;
	esac
	timeout 60 bash -c "'$foliofuzz' $line" >out 2>err </dev/null
	got=$?
	count=$((count + 1))
	if [ "$got" = "$code" ] && { [ -z "$message" ] || grep -qF -- "$message" err; }; then
		echo "ok $count - $what:$line"
	else
		echo "not ok $count - $what:$line"
		echo "# expected exit code $code and '$message', found $got and"
		sed 's/^/# /' err | head -10
		failed=1
	fi
done <<'TABLE'
corrupt     | 1 | corrupt.prog:2:6: expected text, found byte 0x00                 | replay corrupt.prog
corrupt     | 1 | corrupt.prog:2:6: expected text, found byte 0x00                 | run corrupt.prog
corrupt     | 1 | corrupt.prog:2:6: expected text, found byte 0x00                 | convert corrupt.prog
corrupt     | 1 | corrupt.prog:2:6: expected text, found byte 0x00                 | minimise corrupt.prog
corrupt     | 1 | corrupt.prog:2:6: expected text, found byte 0x00                 | explore corrupt.prog
corrupt     | 1 | wrong.prog:3:                                                    | replay wrong.prog
corrupt     | 0 |                                                                  | run noise --runs 1 --strategy replay
corrupt     | 0 |                                                                  | replay noise
truncated   | 1 | cut.prog:                                                        | replay cut.prog
truncated   | 0 |                                                                  | replay cut.bin --bug none
truncated   | 1 | empty: expected a program, found an empty file                   | replay empty
truncated   | 1 | empty: expected a program, found an empty file                   | run find.prog empty
enormous    | 1 | enormous: expected at most 65536 bytes, found more               | replay enormous
enormous    | 1 | enormous: expected at most 65536 bytes, found more               | run enormous
enormous    | 1 | /dev/zero: expected at most 65536 bytes, found more              | minimise /dev/zero
enormous    | 1 | -: expected at most 65536 bytes, found more                      | replay - </dev/zero
unreadable  | 1 | folder: expected a file, found a directory                       | replay folder
unreadable  | 1 | folder: expected a file, found a directory                       | convert folder
unreadable  | 1 | folder: expected programs, found none below it                   | run folder
unreadable (no root) | 1 | secret.prog: Permission denied                          | replay secret.prog
unreadable  | 1 | find.prog: expected a folder, found a file                       | triage find.prog
unreadable  | 1 | find.prog: Not a directory                                       | campaign find.prog
gone        | 1 | gone: No such file or directory                                  | replay gone
gone        | 1 | gone: No such file or directory                                  | run gone
gone        | 1 | bag/gone: No such file or directory                              | run bag
gone        | 1 | gone: No such file or directory                                  | triage gone
several     | 1 | bag/corrupt.prog:2:6: expected text, found byte 0x00             | triage bag -o report
several     | 1 | bag/enormous: expected at most 65536 bytes, found more           | triage bag -o report
several     | 1 | bag/gone: No such file or directory                              | triage bag -o report
several     | 0 | work/corpus/corrupt.prog:2:6: expected text, found byte 0x00; left out | campaign work --runs 20
several     | 0 | work/corpus/enormous: expected at most 65536 bytes, found more; left out | campaign work --runs 20
several     | 0 | work/corpus/gone: No such file or directory; left out            | campaign work --runs 20
full        | 1 | /dev/full: No space left on device                               | minimise find.prog -o /dev/full
full        | 1 | /dev/full: No space left on device                               | convert find.prog -o /dev/full
full        | 4 | standard output: No space left on device                         | ops >/dev/full
full        | 4 | standard output: No space left on device                         | replay find.prog >/dev/full
full (mounted) | 1 | small/x: No space left on device                              | convert find.prog -o small/x
full (mounted) | 1 | small/min.prog: No space left on device                       | minimise find.prog -o small/min.prog
full (mounted) | 1 | No space left on device                                       | run find.prog --strategy replay --runs 1 --out small
full (mounted) | 1 | No space left on device                                       | triage bag -o small/report
full (mounted) | 1 | No space left on device                                       | campaign small/work --runs 2000
read-only   | 1 | /proc/nowhere                                                    | triage bag -o /proc/nowhere
read-only   | 1 | /proc/nowhere                                                    | campaign /proc/nowhere
read-only   | 1 | /proc/nowhere/x: No such file or directory                       | convert find.prog -o /proc/nowhere/x
read-only   | 1 | folder: Is a directory                                           | convert find.prog -o folder
read-only   | 1 | /proc/nowhere: No such file or directory                         | run find.prog --strategy replay --runs 1 --out /proc/nowhere
read-only (no root) | 1 | read-only                                                | triage bag -o read-only
read-only (no root) | 1 | read-only                                                | campaign read-only
read-only (no root) | 1 | read-only                                                | minimise find.prog -o read-only/x
TABLE

# What could not be written is not there in halves.
count=$((count + 1))
halves=$(find . -name '.*.tmp'; [ -z "$mounted" ] || find small -type f ! -name full -size +0)
if [ -z "$halves" ]; then
	echo "ok $count - no halves are left"
else
	echo "not ok $count - halves are left:" $halves
	failed=1
fi
echo "1..$count"
exit $failed
