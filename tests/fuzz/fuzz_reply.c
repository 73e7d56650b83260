/* SPDX-License-Identifier: MIT */
/* What a client reads from a manager that may say anything. */
#include "fuzz.h"

#include "manage/message.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static pshm_pickle pickle;
  pickle.most = 100000;
  polyshm_status status = POLYSHM_OK;
  uint32_t value = pshm_reply_read(&pickle, data, size, &status);
  FUZZ_CHECK((value == 0) == (status != POLYSHM_OK));
  if (status != POLYSHM_OK)
    FUZZ_CHECK(
        polyshm_error_message()[0] != 0 &&
        strlen(polyshm_error_message()) < 512);
  return 0;
}
