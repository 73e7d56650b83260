// SPDX-License-Identifier: MIT
// The header alone, as C++, with C's linkage.
#include <polyshm.h>

#include <cstddef>
#include <type_traits>

static_assert(sizeof(polyshm_value) == 24, "the value is frozen");
static_assert(offsetof(polyshm_value, of) == 8, "its content is aligned");
static_assert(offsetof(polyshm_value, size) == 16, "its size is last");
static_assert(std::is_trivial<polyshm_value>::value, "it may be copied");
static_assert(
    std::is_same<decltype(polyshm_version()), uint32_t>::value,
    "functions are declared");

// A second declaration with another linkage would not compile.
extern "C" polyshm_status polyshm_unlink(const char *name);
