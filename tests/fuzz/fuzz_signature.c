/* SPDX-License-Identifier: MIT */
/* Signatures of all kinds. What is parsed keeps its bounds, and so do those who
 * believe it; what is refused is explained in readable words. */
#include "base/signature.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static void check_callee(const pshm_callee *callee) {
  FUZZ_CHECK(callee->result <= POLYSHM_TYPE_PTR);
  FUZZ_CHECK(callee->nparameters <= PSHM_SIGNATURE_CALLEE_TAKES);
  for (int i = 0; i < callee->nparameters; i++)
    FUZZ_CHECK(
        callee->parameters[i].type >= POLYSHM_TYPE_I8 &&
        callee->parameters[i].type <= POLYSHM_TYPE_STR);
}

static void check_parameter(const pshm_signature *signature, int place) {
  const pshm_parameter *parameter = &signature->parameters[place];
  FUZZ_CHECK(parameter->type >= POLYSHM_TYPE_I8);
  FUZZ_CHECK(parameter->type <= POLYSHM_TYPE_FN);
  FUZZ_CHECK(pshm_signature_is_number(parameter->element));
  FUZZ_CHECK(!parameter->is_const || pshm_signature_is_block(parameter->type));
  if (parameter->type == POLYSHM_TYPE_FN)
    FUZZ_CHECK(parameter->other < signature->ncallees);
  if (!pshm_signature_is_filled(parameter->type))
    return;
  FUZZ_CHECK(parameter->other < signature->nparameters);
  FUZZ_CHECK(
      pshm_signature_is_block(signature->parameters[parameter->other].type));
  for (int i = 0; i < place; i++)
    FUZZ_CHECK(
        signature->parameters[i].type != parameter->type ||
        signature->parameters[i].other != parameter->other);
}

static void check_signature(const pshm_signature *signature) {
  FUZZ_CHECK(signature->result <= POLYSHM_TYPE_STR);
  FUZZ_CHECK(signature->nparameters <= PSHM_SIGNATURE_PARAMETERS);
  FUZZ_CHECK(signature->ncallees <= PSHM_SIGNATURE_CALLEES);
  int ninputs = 0;
  for (int i = 0; i < signature->nparameters; i++) {
    check_parameter(signature, i);
    ninputs += !pshm_signature_is_filled(signature->parameters[i].type);
  }
  FUZZ_CHECK(signature->ninputs == ninputs);
  for (int i = 0; i < signature->ncallees; i++)
    check_callee(&signature->callees[i]);
}

static void check_refusal(polyshm_status status) {
  FUZZ_CHECK(status == POLYSHM_E_INVALID);
  const char *message = polyshm_error_message();
  FUZZ_CHECK(strlen(message) > 10);
  for (; *message != 0; message++)
    FUZZ_CHECK(*message >= ' ' && *message <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Memory of its own, so that a sanitizer sees what is read beyond the end. */
  char *text = malloc(size + 1);
  if (text == NULL)
    return 0;
  memcpy(text, data, size);
  text[size] = 0;
  pshm_signature signature;
  polyshm_status status = pshm_signature_parse(text, &signature);
  if (status == POLYSHM_OK)
    check_signature(&signature);
  else
    check_refusal(status);
  pshm_callee callee;
  status = pshm_signature_parse_callee(text, &callee);
  if (status == POLYSHM_OK)
    check_callee(&callee);
  else
    check_refusal(status);
  free(text);
  return 0;
}
