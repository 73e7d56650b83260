/* SPDX-License-Identifier: MIT */
/*
 * In builds for gcov, _exit in tests means this: it writes what was counted,
 * which the system's does not. A shared library has counts of its own.
 */
#undef _exit

#include <unistd.h>

void __gcov_dump(void);
__attribute__((weak)) void polyshm_write_counts(void);
_Noreturn void counted_exit(int code);

_Noreturn void counted_exit(int code) {
  __gcov_dump();
  if (polyshm_write_counts != NULL)
    polyshm_write_counts();
  _exit(code);
}
