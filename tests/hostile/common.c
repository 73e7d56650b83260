/* SPDX-License-Identifier: MIT */
#include "common.h"

#include <stdio.h>
#include <time.h>

dice dice_new(uint64_t seed) {
  dice random = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
  for (int i = 0; i < 8; i++)
    dice_draw(&random);
  return random;
}

uint64_t dice_draw(dice *random) {
  uint64_t x = random->state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  random->state = x;
  return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t dice_below(dice *random, uint64_t n) {
  return (dice_draw(random) >> 11) % n;
}

int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

void nap(int64_t nanoseconds) {
  struct timespec time = {
      .tv_sec = nanoseconds / 1000000000,
      .tv_nsec = nanoseconds % 1000000000,
  };
  nanosleep(&time, NULL);
}

void wild_name(char name[NAME_ROOM], unsigned number) {
  snprintf(name, NAME_ROOM, "wild.%u", number);
}

void own_name(char name[NAME_ROOM], const char *peer, unsigned number) {
  snprintf(name, NAME_ROOM, "own.%.16s.%u", peer, number);
}
