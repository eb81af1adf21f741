/* SPDX-License-Identifier: GPL-2.0-or-later */
/* classifier_attach.c: a program that could not be looked at is not one that is missing. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>

#include "plugin/enforce/bpf.h"
#include "plugin/enforce/classifier_attach.h"
#include "port_fake.h"

#define N_PROGRAMS 3
#define WANTED_ID 12

/** Programs at the interface: ids 10 to 12, of which the last one is the classifier, or @wanted_id */
static struct {
	unsigned calls, fail_call;
	int fail_errnum;
} programs;

/** The classifier's number, as long as a test wants it to be another than the last one's */
static uint32_t wanted_id = WANTED_ID;

int __wrap_bpf_tcx_programs(uint32_t ifindex, enum bpf_hook hook, uint32_t *ids, uint32_t n_ids, uint32_t *ret_n);
int __wrap_bpf_tcx_programs(uint32_t ifindex, enum bpf_hook hook, uint32_t *ids, uint32_t n_ids, uint32_t *ret_n)
{
	(void)ifindex;
	(void)hook;
	(void)n_ids;
	if (++programs.calls == programs.fail_call)
		return -programs.fail_errnum;
	for (uint32_t i = 0; i < N_PROGRAMS; i++)
		ids[i] = 10 + i;
	*ret_n = N_PROGRAMS;
	return 0;
}

int __wrap_classifier_of_program(uint32_t program_id, struct classifier *ret_classifier);
int __wrap_classifier_of_program(uint32_t program_id, struct classifier *ret_classifier)
{
	if (++programs.calls == programs.fail_call)
		return -programs.fail_errnum;
	*ret_classifier = (struct classifier)CLASSIFIER_INIT;
	ret_classifier->program_id = program_id;
	if (program_id == wanted_id)
		memset(ret_classifier->tag, 7, sizeof(ret_classifier->tag));
	return 0;
}

/** Whether the last find() found nobody before the classifier */
static bool was_first;

/** find() - classifier_find() when call @n fails with @errnum */
static int find(unsigned n, int errnum, struct classifier *ret_there, struct error *reterr)
{
	struct classifier wanted = CLASSIFIER_INIT;

	memset(wanted.tag, 7, sizeof(wanted.tag));
	fake_reset();
	fake.host_end.index = 40;
	programs.calls = 0;
	programs.fail_call = n;
	programs.fail_errnum = errnum;
	*ret_there = (struct classifier)CLASSIFIER_INIT;
	return classifier_find(fake_host_port(), &wanted, 40, ret_there, &was_first, reterr);
}

static void a_program_that_can_not_be_looked_at_is_not_missing(void **state)
{
	static const int errnums[] = {EMFILE, ENOMEM, EPERM, EAGAIN};
	struct classifier there;

	(void)state;
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		/* the list, three programs, and the one found once more */
		for (unsigned n = 0; n <= N_PROGRAMS + 2; n++) {
			struct error err = {0};
			int r = find(n, errnums[i], &there, &err);

			assert_int_equal(r, n ? REFUSED : 0);
			assert_int_equal(err.code, n ? error_code_of(-errnums[i], ERROR_KERNEL) : ERROR_NONE);
			if (!n)
				assert_int_equal(there.program_id, WANTED_ID);
		}
	}
}

/* Another program of the interface that goes, or can't be a classifier, is in nobody's way. */
static void others_programs_are_passed_over(void **state)
{
	static const int errnums[] = {ENOENT, ENOMSG};
	struct error err = {0};
	struct classifier there;

	(void)state;
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		assert_int_equal(find(2, errnums[i], &there, &err), 0);
		assert_int_equal(there.program_id, WANTED_ID);
	}
	assert_int_equal(find(N_PROGRAMS + 1, ENOENT, &there, &err), CLASSIFIER_E_MISSING);
	assert_int_equal(find(1, EINVAL, &there, &err), CLASSIFIER_E_MISSING); /* a kernel without TCX */
	assert_int_equal(find(1, ENODEV, &there, &err), CLASSIFIER_E_MISSING);
}

/* A program before it may end the way of a packet that it should judge. */
static void others_before_it_are_told(void **state)
{
	struct error err = {0};
	struct classifier there;

	(void)state;
	for (wanted_id = 10; wanted_id < 10 + N_PROGRAMS; wanted_id++) {
		assert_int_equal(find(0, 0, &there, &err), 0);
		assert_int_equal(there.program_id, wanted_id);
		assert_int_equal(was_first, wanted_id == 10);
	}
	wanted_id = WANTED_ID;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_can_not_be_looked_at_is_not_missing),
		cmocka_unit_test(others_programs_are_passed_over),
		cmocka_unit_test(others_before_it_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
