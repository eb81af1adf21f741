/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_MEMORY_FAKE_H
#define TESTS_UNIT_MEMORY_FAKE_H

/* Memory runs out where a test says. CMake's fake_memory() links a test with this; what shared libraries allocate is not asked. */

#include <stddef.h>

/** The allocation that this counts down to fails, the others don't; 0: none does, or it has happened */
extern unsigned long memory_fail_in;

/* malloc(3), of which it is asked, too; for libraries that take an allocator. */
void *memory_malloc(size_t size);
/* malloc(3), of which it is not. */
void *memory_real_malloc(size_t size);

#endif
