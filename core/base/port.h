/* SPDX-License-Identifier: MIT */
/* What compilers spell differently. */
#ifndef POLYSHM_BASE_PORT_H
#define POLYSHM_BASE_PORT_H

#if defined(__GNUC__)
#define PSHM_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define PSHM_LIKELY(x) __builtin_expect(!!(x), 1)
#define PSHM_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PSHM_COLD __attribute__((cold, noinline))
#define PSHM_NOINLINE __attribute__((noinline))
#define PSHM_NO_SANITIZE __attribute__((no_sanitize("address", "undefined")))
#define PSHM_INLINE static inline __attribute__((always_inline))
/* It calls functions by another type than theirs, and knows why it may. */
#ifdef __clang__
#define PSHM_ANY_FUNCTION __attribute__((no_sanitize("function", "cfi-icall")))
#else
#define PSHM_ANY_FUNCTION
#endif
#else
#define PSHM_PRINTF(text, first)
#define PSHM_LIKELY(x) (x)
#define PSHM_UNLIKELY(x) (x)
#define PSHM_COLD
#define PSHM_NOINLINE
#define PSHM_NO_SANITIZE
#define PSHM_INLINE static inline
#define PSHM_ANY_FUNCTION
#endif

#endif
