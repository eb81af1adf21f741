/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the plugin by faults_memory.sh: of its allocations one fails. What libc allocates for itself is counted as
 * well. In the environment:
 *
 *   SCARCE_MEMORY_FAIL=N   the N-th allocation returns NULL; 0 or not there: none does
 *   SCARCE_MEMORY_FILE=F   how many there were is written into this file, in binary
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, which work before dlsym(3) does */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nmemb, size_t size);
void *__libc_realloc(void *ptr, size_t size);

/** counter - Allocations so far, in the file; until that is there, they are not counted */
static uint32_t *counter;
static uint32_t failing;

/** number_of() - A number in the environment, 0: none */
static uint32_t number_of(const char *name)
{
	const char *text = getenv(name);
	uint32_t number = 0;

	for (; text && *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (uint32_t)(*text - '0');
	return number;
}

/** begin() - Before main() */
static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("SCARCE_MEMORY_FILE");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	void *map;

	if (fd < 0 || ftruncate(fd, sizeof(*counter)) < 0)
		return;
	map = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	failing = number_of("SCARCE_MEMORY_FAIL");
	counter = map == MAP_FAILED ? NULL : map;
}

/** fails() - Count an allocation: whether it is the one */
static bool fails(void)
{
	if (!counter || __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED) != failing)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
	return fails() ? NULL : __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
	return fails() ? NULL : __libc_realloc(ptr, size);
}

void *reallocarray(void *ptr, size_t nmemb, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nmemb, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, bytes);
}
