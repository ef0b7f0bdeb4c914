# SPDX-License-Identifier: GPL-2.0-only
# Turns a program into a C string, for the target that fuzzes its schedule: a fuzz target reads no file.
file(READ ${INPUT} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n\t\"" text "${text}")
file(WRITE ${OUTPUT} "/* Generated from ${INPUT} */\nstatic const char schedule_prog_text[] =\n\t\"${text}\";\n")
