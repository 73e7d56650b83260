/* SPDX-License-Identifier: MIT */
/* Two processes fill a list of 2,000, as in Python's documentation. */
#include <polyshm.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 2000, WORKERS = 2 };

static void check(polyshm_status status) {
  if (status == POLYSHM_OK)
    return;
  fprintf(stderr, "%s\n", polyshm_error_message());
  exit(1);
}

static void do_work(polyshm_list *list, int64_t start, int64_t stop) {
  for (int64_t i = start; i < stop; i++) {
    polyshm_value square = {.type = POLYSHM_INT, .of.i = i * i};
    check(polyshm_list_set(list, (uint64_t)i, &square));
  }
}

/* A child has what its parent had open. */
static pid_t start_worker(polyshm_list *list, int64_t start, int64_t stop) {
  pid_t child = fork();
  if (child == 0) {
    do_work(list, start, stop);
    _exit(0);
  }
  return child;
}

int main(void) {
  polyshm_manager *manager;
  check(polyshm_manager_start(NULL, NULL, 0, NULL, &manager));

  polyshm_value numbers[COUNT];
  for (int i = 0; i < COUNT; i++)
    numbers[i] = (polyshm_value){.type = POLYSHM_INT, .of.i = i};
  polyshm_list *list;
  check(polyshm_manager_list(manager, NULL, numbers, COUNT, 0, NULL, &list));

  /* Divide the work among two processes. */
  pid_t workers[WORKERS];
  for (int i = 0; i < WORKERS; i++)
    workers[i] =
        start_worker(list, i * COUNT / WORKERS, (i + 1) * COUNT / WORKERS);
  int is_done = 1;
  for (int i = 0; i < WORKERS; i++) {
    int state;
    is_done &= waitpid(workers[i], &state, 0) == workers[i] && state == 0;
  }

  int64_t total = 0;
  for (uint64_t i = 0; i < COUNT; i++) {
    polyshm_value value;
    check(polyshm_list_get(list, i, NULL, 0, &value));
    total += value.of.i;
  }
  printf("%" PRId64 "\n", total);

  polyshm_list_free(list);
  check(polyshm_manager_shutdown(manager)); /* unlinks the list */
  polyshm_manager_free(manager);
  return is_done ? 0 : 1;
}
