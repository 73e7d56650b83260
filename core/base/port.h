/* SPDX-License-Identifier: MIT */
/* What compilers spell differently. */
#ifndef POLYSHM_BASE_PORT_H
#define POLYSHM_BASE_PORT_H

#if defined(__GNUC__)
#define PSHM_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define PSHM_LIKELY(x) __builtin_expect(!!(x), 1)
#define PSHM_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PSHM_COLD __attribute__((cold, noinline))
#else
#define PSHM_PRINTF(text, first)
#define PSHM_LIKELY(x) (x)
#define PSHM_UNLIKELY(x) (x)
#define PSHM_COLD
#endif

#endif
