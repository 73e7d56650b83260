/* SPDX-License-Identifier: MIT */
/* A program of somebody else's, in plain C. */
#include <polyshm.h>
#include <stdio.h>

static int report(void) {
  fprintf(stderr, "%s\n", polyshm_error_message());
  return 1;
}

static polyshm_status use(polyshm_list *list, polyshm_value *value) {
  value->type = POLYSHM_INT;
  value->of.i = 42;
  polyshm_status status = polyshm_list_set(list, 0, value);
  return status ? status : polyshm_list_get(list, 0, NULL, 0, value);
}

int main(void) {
  polyshm_value value = {0};
  polyshm_list *list;
  if (polyshm_list_create(NULL, &value, 1, POLYSHM_CREATE, NULL, &list)) {
    return report();
  }
  polyshm_status status = use(list, &value);
  polyshm_unlink(polyshm_block_name(polyshm_list_block(list)));
  polyshm_list_free(list);
  if (status) {
    return report();
  }

  unsigned version = polyshm_version();
  printf(
      "polyshm %u.%u.%u: %d\n", version >> 16, version >> 8 & 255,
      version & 255, (int)value.of.i);
  return 0;
}
