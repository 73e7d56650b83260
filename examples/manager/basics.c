/* SPDX-License-Identifier: MIT */
/* The example of SharedMemoryManager from Python's documentation, in C. */
#include <polyshm.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void check(polyshm_status status) {
  if (status == POLYSHM_OK)
    return;
  fprintf(stderr, "%s\n", polyshm_error_message());
  exit(1);
}

static void print_list(const polyshm_list *list) {
  for (uint64_t i = 0; i < polyshm_list_length(list); i++) {
    char text[8];
    polyshm_value value;
    check(polyshm_list_get(list, i, text, sizeof text, &value));
    printf(i == 0 ? "" : ", ");
    if (value.type == POLYSHM_INT)
      printf("%" PRId64, value.of.i);
    else
      printf("%.*s", (int)value.size, (const char *)value.of.p);
  }
  printf("\n");
}

int main(void) {
  polyshm_manager *manager; /* a process that ends with this one */
  check(polyshm_manager_start(NULL, NULL, 0, NULL, &manager));

  polyshm_value numbers[4], letters[5];
  for (int i = 0; i < 4; i++)
    numbers[i] = (polyshm_value){.type = POLYSHM_INT, .of.i = i};
  for (int i = 0; i < 5; i++)
    letters[i] =
        (polyshm_value){.type = POLYSHM_STRING, .of.p = &"alpha"[i], .size = 1};

  polyshm_list *list, *other;
  polyshm_block *block;
  check(polyshm_manager_list(manager, NULL, numbers, 4, 0, NULL, &list));
  print_list(list);
  check(polyshm_manager_block(manager, NULL, 128, 0, NULL, &block));
  check(polyshm_manager_list(manager, NULL, letters, 5, 0, NULL, &other));
  print_list(other);

  check(polyshm_manager_shutdown(manager)); /* unlinks all three */
  polyshm_list_free(list);
  polyshm_list_free(other);
  polyshm_block_free(block);
  polyshm_manager_free(manager);
  return 0;
}
