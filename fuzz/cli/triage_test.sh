#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# triage_test.sh FOLIOFUZZ SOURCE_DIR - crash files of every kind sorted: what is grouped, dropped and named, that what is written can be
# read and replayed and is the same each time, and how it fails. Prints TAP.
set -u

foliofuzz=$(realpath "$1")
source_dir=$(realpath "$2")
said="out err"
. "$source_dir/scripts/tap.sh"
cd "$work" || exit 1

# without_bugs FILE OUT: the binary form, whose bugs a target ignores.
without_bugs() { sed 's/ bugs=[^ ]*//' "$1" >plain.prog && "$foliofuzz" convert plain.prog --to binary -o "$2"; }
title() { "$foliofuzz" replay "$@" 2>/dev/null | sed -n 's/^BUG: //p'; }

bugs=$source_dir/corpus/bugs
lost=$bugs/partially-mapped-nonatomic/min.prog
rmap=$bugs/anon-rmap-before-reference/min.prog
mkdir -p crashes/below
sed 's/^cpu1 .*/&; read(m0, 3); lru_drain()/' "$lost" >crashes/fat.prog
cp "$lost" crashes/below/min.prog
without_bugs "$lost" crashes/crash-da39a3ee5e6b4b0d3255bfef95601890afd80709
without_bugs "$lost" 'crashes/id:000000,sig:06,src:000001,time:12,execs:33,op:havoc,rep:2'
cp "$rmap" crashes/other.prog
cp "$source_dir/corpus/seeds/fault-race.prog" crashes/clean.prog
printf '# no text\377' >crashes/crash-bytes
printf '# cut off' >crashes/crash-looks-like-text
printf 'x\377' >crashes/$'odd\377\n<name>'
printf 'How to use this folder.\n' >crashes/README.txt
mkfifo crashes/pipe

# ---- what is found ----
run 2 triage crashes --bug partially-mapped-nonatomic --jobs 2 -o report && tail -1 out | grep -q '^9 files, 5 finds with 2 titles; see report/index.html$'
report "files are counted" $?
grep -qxF "     4  $(title "$lost")  [partially-mapped-nonatomic]" out && grep -qxF "     1  $(title "$rmap")  [anon-rmap-before-reference]" out
report "grouped by title" $?
grep -qxF "dropped  clean.prog: clean" out && grep -qxF 'dropped  odd\xff\x0a<name>: clean' out && grep -q "^dropped  crash-looks-like-text: " out &&
	[ "$(grep -c ^dropped out)" = 4 ]
report "what shows no find is dropped and named" $?
[ "$(find report -type f | wc -l)" = 11 ] && [ "$(find report/finds -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
report "four files for each title, and three above them" $?
ok=0
for prog in report/finds/*/min.prog; do
	run 2 replay "$prog" && grep -q '^expect: met' out || ok=1
	name=$(title "$prog" | tr -cs '[:alnum:]_' - | sed 's/-*$//')
	[ "$(basename "$(dirname "$prog")")" = "$name" ] || ok=1
	run 0 minimise "$prog" -o again.prog && cmp "$prog" again.prog >>err 2>&1 || ok=1
done
report "each min.prog shows its title again and is minimal" $ok
! grep -q lru_drain report/finds/*/min.prog
report "what is not needed has gone" $?
head -2 report/finds/lost-update*/report.txt | tail -1 | grep -q '^BUG: lost-update: ' && grep -q ' <- ' report/finds/lost-update*/report.txt &&
	grep -q '^  id:000000,sig:06' report/finds/lost-update*/report.txt && grep -q '"traceEvents"' report/finds/lost-update*/perfetto.json &&
	grep -q '</html>' report/finds/lost-update*/trace.html
report "report, trace and Perfetto" $?
run 2 triage crashes --json -o without && grep -q '"command": "triage"' out && grep -q '"why": "clean"' out && [ "$(grep -c '"title"' out)" = 2 ] &&
	grep -q '"file": "crash-da39' out
report "--json; without --bug a fuzzer's input runs without bugs" $?

# ---- the index ----
cat report/index.html >out
grep -q "default-src 'none'" out && ! grep -qiE '(src)=|@import|url\(|<script' out
report "index.html loads nothing" $?
ok=0
while read -r link; do
	[ -f "report/$link" ] || ok=1
done < <(grep -o 'href="[^"]*"' report/index.html | sed 's/href="//; s/"$//')
[ "$(grep -o 'href="' report/index.html | wc -l)" = 8 ] || ok=1
report "and every link of it leads somewhere" $ok
grep -q 'odd\\xff\\x0a&lt;name&gt;' out
report "names are escaped" $?
if command -v xmllint >/dev/null; then
	xmllint --noout report/junit.xml 2>err && [ "$(xmllint --xpath 'count(//failure)' report/junit.xml)" = 2 ] &&
		[ "$(xmllint --xpath 'count(//skipped)' report/junit.xml)" = 4 ]
	report "junit.xml is well-formed" $?
fi
grep -q '<testsuites name="foliofuzz" tests="6" failures="2" errors="0" skipped="4">' report/junit.xml
report "junit.xml: titles failed, dropped ones skipped" $?
if command -v jq >/dev/null; then
	# What the standard requires, and of the rest what GitHub does: a file that lacks it is refused there or shown without a place.
	jq -e 'def text: .text | type == "string" and length > 0 and length <= 1024;
		(.["$schema"] | test("^https://.*sarif.*2\\.1\\.0.*\\.json$")) and .version == "2.1.0" and (.runs | length) == 1 and (.runs[0] |
			(.results | length) == 2 and .tool.driver.name == "foliofuzz" and (.originalUriBaseIds | keys) as $bases |
			(.tool.driver.rules | map(.id) | length == 2 and (unique | length) == 2 and all(.[]; test("^[a-z-]+$"))) and
			all(.tool.driver.rules[]; (.shortDescription | text) and (.fullDescription | text) and (.help | text) and
				(.defaultConfiguration.level | IN("error", "warning", "note", "none"))) and
			(. as $run | all(.results[]; .ruleId == $run.tool.driver.rules[.ruleIndex].id and (.message | text) and
				(.level | IN("error", "warning", "note", "none")) and (.locations | length) == 1 and .occurrenceCount >= 1 and
				(.partialFingerprints["title/v1"] | test("^[0-9a-f]{16}$")) and
				(.partialFingerprints.primaryLocationLineHash | test("^[0-9a-f]{16}:1$")) and
				(.locations[0].physicalLocation | .region.startLine >= 1 and (.artifactLocation |
					(.uriBaseId | IN($bases[])) and (.uri | test("^finds/[A-Za-z0-9_-]+/min\\.prog$")))))) and
			([.results[].partialFingerprints["title/v1"]] | length == (unique | length)))' report/results.sarif >out 2>err
	report "results.sarif: what the standard and GitHub want of rules, places and fingerprints" $?
fi

# ---- the same bytes ----
cp -r report first
run 2 triage crashes --bug partially-mapped-nonatomic --jobs 1 -o report && diff -r first report >out 2>&1
report "again, with another number of processes" $?
mkdir elsewhere && cp -r crashes elsewhere/named-otherwise
run 2 triage elsewhere/named-otherwise/ --bug partially-mapped-nonatomic --jobs 3 -o third && diff -r first third >out 2>&1
report "from another folder into another" $?
: >report/finds/notes
: >report/.index.html.1234.tmp
rm crashes/other.prog
run 2 triage crashes --bug partially-mapped-nonatomic -o report && [ "$(find report/finds -mindepth 1 -maxdepth 1 -type d | wc -l)" = 1 ] &&
	[ -e report/finds/notes ] && [ ! -e report/.index.html.1234.tmp ]
report "titles that are found no more have gone, and nobody else's files" $?
rm -rf crashes/report && cp -r report crashes/report
run 2 triage crashes --bug partially-mapped-nonatomic -o crashes/report && tail -1 out | grep -q '^8 files, 4 finds with 1 title;'
report "a report below the folder is no input" $?
rm -r crashes/report
mkdir -p campaign/corpus campaign && cp -r crashes campaign/ && cp "$rmap" campaign/corpus/
run 2 triage campaign --bug partially-mapped-nonatomic -o of-campaign && tail -1 out | grep -q '^8 files, 4 finds with 1 title;'
report "of a campaign's folder it takes the finds" $?
mkdir nothing
run 0 triage nothing -o none && tail -1 out | grep -q '^0 files, 0 finds with 0 titles' && grep -q 'name="no find"' none/junit.xml
report "an empty folder is clean" $?

# ---- how it fails ----
refused "no such folder" "nowhere: No such file or directory" triage nowhere
refused "a file for a folder" "plain.prog: expected a folder, found a file" triage plain.prog
refused "OUT is a file" "plain.prog: Not a directory" triage crashes -o plain.prog
refused "OUT cannot be made" "/proc/nowhere: " triage crashes -o /proc/nowhere/out
printf 'world cpus=1\ncpu0 dontned()\n' >crashes/bad.prog
: >crashes/empty
head -c 70000 /dev/zero >crashes/huge
run 1 triage crashes --bug partially-mapped-nonatomic -o bad && grep -q '^crashes/bad.prog:2:6: expected an operation' err &&
	grep -q '^crashes/empty: expected a program, found an empty file' err && grep -q '^crashes/huge: expected at most 65536 bytes' err &&
	grep -q '11 files, 4 finds with 1 title' out && [ -e bad/index.html ]
report "bad files are named, and the others sorted all the same" $?
rm crashes/bad.prog crashes/empty crashes/huge
if [ "$(id -u)" != 0 ]; then
	mkdir read-only && chmod 555 read-only
	refused "OUT is read-only" "read-only: Permission denied" triage crashes -o read-only
fi
# A limit on the size of files fails where a full disk does: in the middle of a write.
(trap '' XFSZ && ulimit -f 4 && "$foliofuzz" triage crashes --bug partially-mapped-nonatomic -o full >out 2>err)
[ $? = 1 ] && grep -qE '^full/finds/.*/trace.html: File too large' err && [ -z "$(find full -name '.*' -o -name trace.html)" ] && [ ! -e full/index.html ]
report "a write that fails leaves no half of a file" $?
if mkdir small && mount -t tmpfs -o size=64k none small 2>/dev/null; then
	refused "a full disk" "No space left on device" triage crashes --bug partially-mapped-nonatomic -o small/report
	umount small
fi
refused "a full device" "/dev/full: No space left on device" minimise "$lost" -o /dev/full
cp -r crashes many
for i in $(seq 40); do
	cp "$bugs"/defer-unqueue-empty-test-vs-unlink/min.prog "many/$i.prog"
done
for bug in "$bugs"/*/min.prog; do
	cp "$bug" "many/$(basename "$(dirname "$bug")").prog"
done
"$foliofuzz" triage many -o stopped >out 2>err &
pid=$!
sleep 0.5
kill -TERM $pid
wait $pid
[ $? = 3 ] && grep -q "interrupted, nothing is written" err && [ -z "$(find stopped -type f)" ]
report "SIGTERM ends it, and leaves nothing" $?

finish
