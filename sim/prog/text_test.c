/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text_test.c - parse(print(p)) = p, the printed form itself, and what is refused at which place.
 */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct prog p, q;
static char text[PROG_TEXT_MAX + 1];

static void must_parse(struct prog *prog, const char *s, size_t size)
{
	struct prog_error err;
	const char *wrong;

	if (!prog_parse(prog, s, size, &err))
		fail_msg("%u:%u: %s\n%.*s", err.line, err.column, err.message, (int)size, s);
	wrong = prog_validate(prog);
	if (wrong)
		fail_msg("%s", wrong);
}

static void test_round_trip(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t len;

		sample_prog(&p, &r);
		assert_null(prog_validate(&p));
		len = prog_print(&p, text, sizeof(text));
		assert_int_equal(len, strlen(text));
		must_parse(&q, text, len);
		assert_true(prog_equal(&p, &q));
		assert_string_equal(p.comment, q.comment);
		assert_string_equal(p.expect, q.expect);
	}
}

static void test_print_counts_what_it_needs(void **state)
{
	char small[64];
	struct prng r;

	(void)state;
	prng_seed(&r, 2);
	for (unsigned i = 0; i < 200; i++) {
		size_t len;

		sample_prog(&p, &r);
		len = prog_print(&p, text, sizeof(text));
		assert_int_equal(prog_print(&p, NULL, 0), len);
		for (size_t size = 1; size <= sizeof(small); size++) {
			memset(small, 0x7e, sizeof(small));
			assert_int_equal(prog_print(&p, small, size), len);
			assert_memory_equal(small, text, size - 1 < len ? size - 1 : len);
			assert_int_equal(memchr(small, 0, size) != NULL, 1);
			if (size < sizeof(small))
				assert_int_equal(small[size], 0x7e);
		}
	}
}

/* What people see, to the letter. */
static void test_printed_form(void **state)
{
	static const char *const forms[] = {
		"# Lost flag.\n#\n# Bug: partially-mapped-nonatomic\n"
		"world   cpus=2 memcgs=1 kernel=v7.1 format=1\n"
		"setup   m0 = mm(); fault_huge(m0, 0) (fail=2); g1 = get(m0, 3)\n"
		"cpu0    dontneed(m0, 1, 1)\n"
		"cpu1    memory_failure(m0, 2); shrink(1, 32)\n"
		"teardown put(g1)\n"
		"sched   cpu0 41, cpu1 *, rcu 7, cpu0 *\n"
		"expect  lost-update PG_has_hwpoisoned\n",
		"world   cpus=2 memcgs=0 kernel=v7.1-repaired mapcount=no_page underused=1"
		" bugs=partially-mapped-nonatomic,shrinker-trylock-drops-underused format=1\n"
		"cpu0    relax(); lru_drain()\n"
		"sched   bytes cpu0.0:00ff01 cpu0.1:81\n",
		"world   cpus=2 memcgs=0 kernel=v6.12 format=1\n"
		"sched   cpu0 op2 deferred_split_folio:__set_bit(PG_partially_mapped flags)#1 -> cpu1\n"
		"sched   rcu op0 end#65535 -> rcu\n",
		"world   cpus=1 memcgs=0 kernel=v6.12"
		" bugs=-partially-mapped-nonatomic,shrinker-trylock-drops-underused format=1\n"
		"sched   default\n",
		"world   cpus=1 memcgs=0 kernel=v7.1 format=1\nsched   bytes\n",
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		must_parse(&p, forms[i], strlen(forms[i]));
		prog_print(&p, text, sizeof(text));
		assert_string_equal(text, forms[i]);
	}
}

static void test_lenient_forms(void **state)
{
	static const char loose[] = "#one\n# two\n\n# not kept\n \tworld format=1 points=primitives "
				    "model=sc cpus=2 \n\nsetup\tm0=mm( ) ;\ncpu0 write ( m0 ,03 ) "
				    "( fail = 1 );read(m0,3)\ncpu1\ncpu0 relax()\n"
				    "sched cpu0 op0 a b#2->cpu1\n expect   a  b \t\n";

	(void)state;
	must_parse(&p, loose, strlen(loose));
	prog_print(&p, text, sizeof(text));
	assert_string_equal(text, "# one\n# two\n"
				  "world   cpus=2 memcgs=0 kernel=v7.1-repaired format=1\n"
				  "setup   m0 = mm()\n"
				  "cpu0    write(m0, 3) (fail=1); read(m0, 3); relax()\n"
				  "sched   cpu0 op0 a b#2 -> cpu1\n"
				  "expect  a  b\n");
}

static void test_long_lines_wrap(void **state)
{
	const struct prog_op op = { OP_munmap, 63, { 2, 31, 32 } };

	(void)state;
	prog_init(&p);
	while (edit_insert(&p, 0, 0, &op))
		;
	p.sched.kind = SCHED_RUNS;
	p.sched.run_count = PROG_DEVIATIONS_MAX;
	for (unsigned i = 0; i < PROG_DEVIATIONS_MAX; i++)
		p.sched.runs[i] = (struct prog_run){ 0, 65534 };
	prog_print(&p, text, sizeof(text));
	for (char *line = text; *line; line = strchr(line, '\n') + 1)
		assert_true(strchr(line, '\n') - line <= 100);
	must_parse(&q, text, strlen(text));
	assert_true(prog_equal(&p, &q));
}

static void test_signatures(void **state)
{
	char buf[64];
	struct text t;

	(void)state;
	text_init(&t, buf, sizeof(buf));
	prog_format_signature(&t, OP_get);
	assert_string_equal(buf, "g = get(mm, vpn)");
	text_init(&t, buf, sizeof(buf));
	prog_format_signature(&t, OP_dontneed);
	assert_string_equal(buf, "dontneed(mm, vpn, nr)");
}

#define W "world cpus=2\n"
#define A16 "0123456789abcdef"
#define A96 A16 A16 A16 A16 A16 A16
#define R16 "relax(); relax(); relax(); relax(); relax(); relax(); relax(); relax(); " \
	    "relax(); relax(); relax(); relax(); relax(); relax(); relax(); relax(); "

static const struct refused {
	const char *text;
	unsigned line, column;
	const char *message; /* part of it */
} refused[] = {
	{ "", 1, 1, "expected world, found the end of the text" },
	{ "\n# c\n", 3, 1, "expected world, found the end of the text" },
	{ "world cpus=2", 1, 13, "a newline at the end of the last line, found the end of the text" },
	{ "world cpus=2\r\n", 1, 13, "expected Unix line ends, found a carriage return" },
	{ W "cpu0 relax()\x01\n", 2, 13, "expected text, found byte 0x01" },
	{ "\xef\xbb\xbfworld\n", 1, 1, "expected world, found byte 0xef" },
	{ W "cpu0 \xc3\xa9()\n", 2, 6, "expected an operation, found byte 0xc3" },
	/* world */
	{ "wordl cpus=2\n", 1, 1, "expected world, found 'wordl'; did you mean 'world'?" },
	{ "setup m0 = mm()\n", 1, 1, "expected world, found 'setup'" },
	{ "world=2\n", 1, 6, "expected a blank, found '='" },
	{ "world cpus=5\n", 1, 12, "a number of CPUs 1..4, found '5'" },
	{ "world cpus=0\n", 1, 12, "a number of CPUs 1..4, found '0'" },
	{ "world cpus=99999999999999999999\n", 1, 12, "1..4, found '99999999999999999999'" },
	{ "world cpus=-1\n", 1, 12, "1..4, found '-'" },
	{ "world cpus=0x2\n", 1, 12, "1..4, found '0x2'" },
	{ "world cpus=\n", 1, 12, "1..4, found the end of the line" },
	{ "world cpus 2\n", 1, 11, "expected '=', found ' '" },
	{ "world cpus=2,\n", 1, 13, "expected a blank, found ','" },
	{ "world cpus=2 cpus=2\n", 1, 14, "each key once, found 'cpus' again" },
	{ "world cpu=2\n", 1, 7, "a key of world, found 'cpu'; did you mean 'cpus'?" },
	{ "world memcgs=4\n", 1, 14, "a number of cgroups 0..3, found '4'" },
	{ "world kernel=v7.9\n", 1, 14, "a kernel, found 'v7.9'; did you mean 'v7.1'?" },
	{ "world mapcount=none\n", 1, 16, "'page' or 'no_page'" },
	{ "world mapcount=no_page kernel=v6.12\n", 1, 7, "mapcount=page: kernel v6.12 has no other" },
	{ "world underused=2\n", 1, 17, "0 or 1, found '2'" },
	{ "world bugs=\n", 1, 12, "the id of a bug, found the end of the line" },
	{ "world bugs=nonsense\n", 1, 12, "the id of a bug, found 'nonsense'" },
	{ "world bugs=partially-mapped-nonatomic,partially-mapped-nonatomic\n", 1, 39,
	  "each bug once, found 'partially-mapped-nonatomic' again" },
	{ "world bugs=partially-mapped-nonatomic,\n", 1, 39, "the id of a bug" },
	{ "world bugs=partially-mapped-nonatomic,-partially-mapped-nonatomic\n", 1, 39,
	  "each bug once, found 'partially-mapped-nonatomic' again" },
	{ "world bugs=-\n", 1, 13, "the id of a bug, found the end of the line" },
	{ "world model=tso\n", 1, 13, "expected sc, found 'tso'" },
	{ "world points=all\n", 1, 14, "expected primitives, found 'all'" },
	{ "world format=2\n", 1, 14, "expected 1, found '2'" },
	{ W W, 2, 1, "one world line, found another" },
	/* lanes and operations */
	{ W "setpu m0 = mm()\n", 2, 1, "found 'setpu'; did you mean 'setup'?" },
	{ W "setup: m0 = mm()\n", 2, 6, "expected a blank, found ':'" },
	{ W "; relax()\n", 2, 1, "setup, cpu0..cpu3, teardown, sched or expect, found ';'" },
	{ W "cpu2 relax()\n", 2, 1, "a CPU below cpus=2, found 'cpu2'" },
	{ W "cpu4 relax()\n", 2, 1, "expected setup, cpu0..cpu3" },
	{ W "cpu0 dontned(m0, 1, 1)\n", 2, 6, "found 'dontned'; did you mean 'dontneed'?" },
	{ W "cpu0 frobnicate()\n", 2, 6, "an operation, found 'frobnicate'" },
	{ W "cpu0 mm()\n", 2, 6, "an address space m0..m2 = mm(...), found 'mm'" },
	{ W "cpu0 m0 = relax()\n", 2, 6, "an operation with a result, found 'relax'" },
	{ W "cpu0 m3 = mm()\n", 2, 6, "an address space m0..m2, found 'm3'" },
	{ W "cpu0 g0 = mm()\n", 2, 6, "an address space m0..m2, found 'g0'" },
	{ W "cpu0 m0 = \n", 2, 11, "an operation, found the end of the line" },
	{ W "cpu0 read m0, 1\n", 2, 11, "expected '(', found 'm0'" },
	{ W "cpu0 read(0, 1)\n", 2, 11, "an address space m0..m2, found '0'" },
	{ W "cpu0 read(m0, 32)\n", 2, 15, "a virtual page 0..31, found '32'" },
	{ W "cpu0 read(m0)\n", 2, 13, "',' and a virtual page 0..31, found ')'" },
	{ W "cpu0 read(m0, 1, 1)\n", 2, 16, "')': read takes 2 arguments, found ','" },
	{ W "cpu0 relax(1)\n", 2, 12, "')': relax takes 0 arguments, found '1'" },
	{ W "cpu0 dontneed(m0, 1, 0)\n", 2, 22, "a number of pages 1..32, found '0'" },
	{ W "cpu0 shrink(4, 1)\n", 2, 13, "a cgroup 0..3, found '4'" },
	{ W "cpu0 put(m0)\n", 2, 10, "a reference g0..g3, found 'm0'" },
	{ W "cpu0 relax() relax()\n", 2, 14, "';' or the end of the line, found 'relax'" },
	{ W "cpu0 relax() (fail=0)\n", 2, 20, "a failing point 1..63, found '0'" },
	{ W "cpu0 relax() (fail=64)\n", 2, 20, "a failing point 1..63, found '64'" },
	{ W "cpu0 relax() (fall=1)\n", 2, 15, "expected fail=, found 'fall'" },
	{ W "cpu0 relax() (fail=1\n", 2, 21, "expected ')', found the end of the line" },
	{ W "cpu0 " R16 "\ncpu0 relax()\n", 3, 6, "at most 16 operations in a lane, found 'relax'" },
	{ W "teardown " R16 "relax()\n", 2, 154, "at most 16 operations in a lane" },
	/* schedules */
	{ W "sched\n", 2, 6, "bytes, default or a CPU, found the end of the line" },
	{ W "sched cpu2 1\n", 2, 7, "cpu0..cpu1 or rcu, found 'cpu2'" },
	{ W "sched cpu0\n", 2, 11, "a number of points 1..65534 or '*', found the end" },
	{ W "sched cpu0 0\n", 2, 12, "1..65534 or '*', found '0'" },
	{ W "sched cpu0 65535\n", 2, 12, "1..65534 or '*', found '65535'" },
	{ W "sched cpu0 1,\n", 2, 14, "cpu0..cpu1 or rcu, found the end of the line" },
	{ W "sched cpu0 1 cpu1 1\n", 2, 14, "',' or the end of the line, found 'cpu1'" },
	{ W "sched bytes cpu0.0:00\n", 2, 18, "an operation below 0, as many as cpu0 has" },
	{ W "cpu0 relax()\nsched bytes cpu0.0:0\n", 3, 21, "two hexadecimal digits a byte" },
	{ W "cpu0 relax()\nsched bytes cpu0.0:\n", 3, 20, "hexadecimal digits 0-9a-f, found the end" },
	{ W "cpu0 relax()\nsched bytes cpu0.0:0G\n", 3, 21, "two hexadecimal digits a byte, found 'G'" },
	{ W "cpu0 relax()\nsched bytes cpu0.0:00 cpu0.0:00\n", 3, 28, "once, found cpu0.0 again" },
	{ W "cpu0 relax()\nsched bytes rcu.0:00\n", 3, 13, "of cpu0..cpu1, found 'rcu'" },
	{ W "cpu0 relax()\nsched bytes cpu0.0:" A96 A16 A16 "00\n", 3, 148, "at most 64 bytes" },
	{ W "sched cpu0 op16 x#1 -> cpu1\n", 2, 12, "an operation op0..op15, found 'op16'" },
	{ W "sched cpu0 op1 x -> cpu1\n", 2, 25, "'#' and a number behind the anchor" },
	{ W "sched cpu0 op1 #1 -> cpu1\n", 2, 16, "an anchor of 1..95 bytes, found '#'" },
	{ W "sched cpu0 op1 " A96 "#1 -> cpu1\n", 2, 16, "an anchor of 1..95 bytes" },
	{ W "sched cpu0 op1 x #1 -> cpu1\n", 2, 17, "'#' close behind the anchor" },
	{ W "sched cpu0 op1 x\xc3#1 -> cpu1\n", 2, 17, "a printable character, found byte 0xc3" },
	{ W "sched cpu0 op1 x#0 -> cpu1\n", 2, 18, "an occurrence 1..65535, found '0'" },
	{ W "sched cpu0 op1 x#1 cpu1\n", 2, 20, "expected '->', found 'cpu1'" },
	{ W "sched cpu0 op1 x#1 - cpu1\n", 2, 21, "expected '->', found ' '" },
	{ W "sched cpu0 op1 x#1 -> cpu3\n", 2, 23, "cpu0..cpu1 or rcu, found 'cpu3'" },
	{ W "sched cpu0 op1 x#1 -> cpu1 x\n", 2, 28, "the end of the line, found 'x'" },
	{ W "sched cpu0 1\nsched bytes\n", 3, 7, "sched lines of one kind only" },
	{ W "sched default\nsched default\n", 3, 7, "sched lines of one kind only" },
	{ W "sched cpu0 1\ncpu0 relax()\n", 3, 1, "lanes stand before sched, found 'cpu0'" },
	{ "world\nsched cpu1 1\n", 2, 7, "cpu0 or rcu, found 'cpu1'" },
	/* expect */
	{ W "expect\n", 2, 7, "a verdict, found the end of the line" },
	{ W "expect a\nexpect b\n", 3, 1, "one expect line, found another" },
	{ W "expect " A96 "\n", 2, 8, "at most 95 bytes, found 96" },
};

static void test_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct refused *row = &refused[i];
		struct prog_error err;

		if (prog_parse(&p, row->text, strlen(row->text), &err))
			fail_msg("accepted: %s", row->text);
		if (err.line != row->line || err.column != row->column ||
		    !strstr(err.message, row->message))
			fail_msg("\"%s\": got %u:%u: %s; wanted %u:%u: %s", row->text, err.line,
				 err.column, err.message, row->line, row->column, row->message);
		assert_null(prog_validate(&p));
		assert_false(prog_parse(&p, row->text, strlen(row->text), NULL));
	}
}

static void check_refusal(const char *s, size_t size, unsigned line, unsigned column,
			  const char *message)
{
	struct prog_error err;

	assert_false(prog_parse(&p, s, size, &err));
	assert_int_equal(err.line, line);
	assert_int_equal(err.column, column);
	assert_non_null(strstr(err.message, message));
}

static void test_refused_at_length(void **state)
{
	size_t size = PROG_TEXT_MAX + 1;
	char *big = malloc(size);

	(void)state;
	assert_non_null(big);
	check_refusal(W "cpu0 \0\n", sizeof(W) - 1 + 7, 2, 6, "expected text, found byte 0x00");
	memset(big, '\n', size);
	check_refusal(big, size, 1, 1, "at most 65536 bytes of text, found 65537");
	check_refusal(big, size - 1, 65537, 1, "expected world");
	memset(big, ' ', size);
	memcpy(big, W, sizeof(W) - 1);
	big[PROG_TEXT_MAX - 1] = '\n';
	check_refusal(big, PROG_TEXT_MAX, 2, PROG_LINE_MAX + 1, "a line of at most 8192 bytes");
	memset(big, 'x', size);
	big[0] = '#';
	big[1030] = '\n';
	check_refusal(big, 1031, 1, 1, "at most 1023 bytes of leading comment");
	size = 0;
	size += (size_t)sprintf(big + size, W);
	for (unsigned i = 0; i < PROG_DEVIATIONS_MAX + 1; i++)
		size += (size_t)sprintf(big + size, "sched cpu0 op0 x#%u -> cpu1\n", i + 1);
	check_refusal(big, size, 66, 1, "at most 64 deviations");
	size = (size_t)sprintf(big, W "sched cpu0 1");
	for (unsigned i = 0; i < PROG_DEVIATIONS_MAX; i++)
		size += (size_t)sprintf(big + size, ", cpu0 1");
	size += (size_t)sprintf(big + size, "\n");
	check_refusal(big, size, 2, 519, "at most 64 runs, found 'cpu0'");
	free(big);
}

/* The parser sees the text without a terminator, in memory that ends where the text does. */
static void parse_exactly(const char *s, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct prog_error err;

	assert_non_null(copy);
	memcpy(copy, s, size);
	if (!prog_parse(&p, copy, size, &err)) {
		assert_true(err.line >= 1 && err.column >= 1 && err.message[0]);
	} else {
		assert_null(prog_validate(&p));
		size = prog_print(&p, text, sizeof(text));
		must_parse(&q, text, size);
		assert_true(prog_equal(&p, &q));
	}
	free(copy);
}

static void test_damaged_text(void **state)
{
	static char whole[PROG_TEXT_MAX];
	struct prng r;

	(void)state;
	prng_seed(&r, 3);
	for (unsigned i = 0; i < 20000; i++) {
		static const char alphabet[] = "\n\r #,;()=*-.:>0129xmgcpu\xff";
		size_t size;

		sample_prog(&p, &r);
		size = prog_print(&p, whole, sizeof(whole));
		for (unsigned n = prng_below(&r, 4); n > 0; n--)
			whole[prng_below(&r, (u32)size)] =
				alphabet[prng_below(&r, sizeof(alphabet))];
		if (prng_chance(&r, 1, 4))
			size = prng_below(&r, (u32)size + 1);
		parse_exactly(whole, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_print_counts_what_it_needs),
		cmocka_unit_test(test_printed_form),
		cmocka_unit_test(test_lenient_forms),
		cmocka_unit_test(test_long_lines_wrap),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_at_length),
		cmocka_unit_test(test_damaged_text),
	};

	return cmocka_run_group_tests_name("prog_text", tests, NULL, NULL);
}
