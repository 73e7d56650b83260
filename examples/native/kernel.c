/* SPDX-License-Identifier: MIT */
/* A library of one's own, which knows nothing of shared memory. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* items[i] *= factor */
EXPORT void scale(double *items, size_t count, double factor);
void scale(double *items, size_t count, double factor) {
  for (size_t i = 0; i < count; i++)
    items[i] *= factor;
}

/* The mean of each item and `radius` neighbours on either side, where there are
 * so many. Answers how many items had all of them. */
EXPORT int64_t
smooth(const double *items, double *means, size_t count, int32_t radius);
int64_t smooth(
    const double *items, double *means, size_t count, int32_t radius) {
  int64_t whole = 0;
  for (size_t i = 0; i < count; i++) {
    size_t reach = (size_t)radius;
    size_t first = i < reach ? 0 : i - reach;
    size_t last = reach < count - i ? i + reach : count - 1;
    double sum = 0;
    for (size_t j = first; j <= last; j++)
      sum += items[j];
    means[i] = sum / (double)(last - first + 1);
    whole += last - first == 2 * reach;
  }
  return whole;
}

/* How many items `wanted` says yes to. */
EXPORT int64_t
count_if(const double *items, size_t count, int32_t (*wanted)(double));
int64_t count_if(const double *items, size_t count, int32_t (*wanted)(double)) {
  int64_t found = 0;
  for (size_t i = 0; i < count; i++)
    found += wanted(items[i]) != 0;
  return found;
}

/* A comparator for qsort. */
EXPORT int32_t ascending(const void *one, const void *other);
int32_t ascending(const void *one, const void *other) {
  int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
  return (a > b) - (a < b);
}
