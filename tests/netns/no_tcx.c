/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the plugin by classifier_order.sh: a kernel before Linux 6.6, which runs no BPF program at an interface but by
 * a filter. It refuses what it does not know as that does.
 */

#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Arguments of a system call beside its number */
#define ARGUMENTS 6

typedef long (*syscall_fn)(long number, ...);

/** is_tcx() - Whether a system call is about programs at an interface */
static int is_tcx(long number, long command)
{
	return number == SYS_bpf &&
	       (command == BPF_PROG_ATTACH || command == BPF_PROG_DETACH || command == BPF_PROG_QUERY);
}

/* The C library calls it otherwise. NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
long syscall(long number, ...)
{
	static syscall_fn next;
	long a[ARGUMENTS];
	va_list arguments;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	va_start(arguments, number);
	for (int i = 0; i < ARGUMENTS; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (!is_tcx(number, a[0]))
		return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	errno = EINVAL;
	return -1;
}
