# SPDX-License-Identifier: GPL-2.0-only
# Turns the file INPUT into the C string NAME in OUTPUT, for what may read no file when it runs.
file(READ ${INPUT} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n\t\"" text "${text}")
file(WRITE ${OUTPUT} "/* Generated from ${INPUT} */\nstatic const char ${NAME}[] =\n\t\"${text}\";\n")
