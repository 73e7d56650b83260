/* SPDX-License-Identifier: MIT */
#include <polyshm.h>
#include <stdio.h>

int main(void) {
  polyshm_value start[] = {
      {.type = POLYSHM_INT},
      {.type = POLYSHM_STRING, .of.p = "nobody", .size = 6}};
  uint32_t flags = POLYSHM_CREATE | POLYSHM_UNTRACKED; /* it is to stay */
  polyshm_list *list;
  if (polyshm_list_create("visits", start, 2, flags, NULL, &list))
    return fprintf(stderr, "%s\n", polyshm_error_message()), 1;

  char name[8];
  polyshm_value count, last, me = {POLYSHM_STRING, 0, {.p = "C"}, 1};
  polyshm_list_get(list, 0, NULL, 0, &count);
  polyshm_list_get(list, 1, name, sizeof name, &last);
  printf(
      "%d visits, the last by %.*s\n", (int)count.of.i, (int)last.size, name);

  int64_t after;
  polyshm_list_add(list, 0, 1, &after);
  polyshm_list_set(list, 1, &me);
  polyshm_list_free(list);
}
