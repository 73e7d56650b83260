/* SPDX-License-Identifier: MIT */
#include "base/pickle.h"
#include "base/unpickle.h"

#include "protocol/vectors.h"
#include "faults.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>

#include "vectors_table.h"

/* A tree as text: (a, b) and [a] and {k: v}, texts in quotes. */
static void describe(
    const pshm_pickle *pickle, uint32_t node, char *out, size_t capacity) {
  const pshm_pickle_node *at = pshm_unpickle_at(pickle, node);
  size_t used = strlen(out);
  char *end = out + used;
  capacity -= used;
  static const char brackets[][2] = {
      [PSHM_PICKLE_TUPLE] = {'(', ')'},
      [PSHM_PICKLE_LIST] = {'[', ']'},
      [PSHM_PICKLE_DICT] = {'{', '}'}};
  switch (at->kind) {
  case PSHM_PICKLE_NONE:
    snprintf(end, capacity, "None");
    return;
  case PSHM_PICKLE_BOOL:
    snprintf(end, capacity, "%s", at->of.integer ? "True" : "False");
    return;
  case PSHM_PICKLE_INT:
    snprintf(end, capacity, "%lld", (long long)at->of.integer);
    return;
  case PSHM_PICKLE_FLOAT:
    snprintf(end, capacity, "%g", at->of.number);
    return;
  case PSHM_PICKLE_TEXT:
  case PSHM_PICKLE_BYTES:
    snprintf(
        end, capacity, "%s'%.*s'", at->kind == PSHM_PICKLE_BYTES ? "b" : "",
        (int)at->count, (const char *)at->of.text);
    return;
  }
  snprintf(end, capacity, "%c", brackets[at->kind][0]);
  for (uint32_t i = at->first; i != 0; i = pshm_unpickle_at(pickle, i)->next) {
    describe(pickle, i, end, capacity);
    strcat(end, ",");
  }
  snprintf(end + strlen(end), 2, "%c", brackets[at->kind][1]);
}

static void reads(const void *bytes, size_t size, const char *expected) {
  pshm_pickle pickle = {0};
  const char *reason = "";
  char found[4096] = "";
  uint32_t root = pshm_unpickle_read(&pickle, bytes, size, &reason);
  if (root == 0)
    fail_msg("'%s' was refused: %s", expected, reason);
  describe(&pickle, root, found, sizeof found);
  assert_string_equal(found, expected);
  pshm_unpickle_drop(&pickle);
}

#define READS(bytes, expected) reads(bytes, sizeof(bytes) - 1, expected)

static void refuses(const void *bytes, size_t size, const char *part) {
  pshm_pickle pickle = {0};
  const char *reason = "";
  /* In memory of its own size, for those who watch its ends. */
  unsigned char *exact = malloc(size + 1);
  memcpy(exact, bytes, size);
  assert_int_equal(pshm_unpickle_read(&pickle, exact, size, &reason), 0);
  if (strstr(reason, part) == NULL)
    fail_msg("the reason is '%s' without '%s'", reason, part);
  free(exact);
  pshm_unpickle_drop(&pickle);
}

#define REFUSES(bytes, part) refuses(bytes, sizeof(bytes) - 1, part)

/* --------------------------------------------------------- stock's messages */

static const struct {
  const char *name, *tree;
} known[] = {
    {"req_dummy", "(None,'dummy',(),{},)"},
    {"req_track", "(None,'track_segment',('psm_0123abcd',),{},)"},
    {"req_track_kw",
     "(None,'track_segment',(),{'segment_name','psm_0123abcd',},)"},
    {"req_release", "(None,'release_segment',('psm_0123abcd',),{},)"},
    {"req_list", "(None,'list_segments',(),{},)"},
    {"req_shutdown", "(None,'shutdown',(),{},)"},
    {"req_number_of_objects", "(None,'number_of_objects',(),{},)"},
    {"req_debug_info", "(None,'debug_info',(),{},)"},
    {"req_same_string_twice", "(None,'x1',('x1','x1',),{},)"},
    {"req_create", "(None,'create',('list',[1,2,],),{'k',1.5,},)"},
    {"req_accept_connection",
     "(None,'accept_connection',('MainProcess',),{},)"},
    {"req_incref", "(None,'incref',('7f00deadbeef',),{},)"},
    {"rep_none", "('#RETURN',None,)"},
    {"rep_empty_list", "('#RETURN',[],)"},
    {"rep_list1", "('#RETURN',['psm_a',],)"},
    {"rep_list3", "('#RETURN',['psm_a','psm_b','psm_c',],)"},
    {"rep_zero", "('#RETURN',0,)"},
    {"rep_empty_str", "('#RETURN','',)"},
    {"rep_created", "('#RETURN',('7f00deadbeef',('append','pop',),),)"},
    {"name_nonascii", "(None,'track_segment',('n\xc3\xa9\xe2\x82\xac',),{},)"},
};

static void pickle_reads_what_stock_sends(void **state) {
  (void)state;
  size_t seen = 0;
  for (size_t i = 0; i < LENGTH(vectors_pickle); i++) {
    const vector_pickle *one = vectors_pickle + i;
    for (size_t j = 0; j < LENGTH(known); j++)
      if (strcmp(one->name, known[j].name) == 0) {
        reads(one->bytes, one->size, known[j].tree);
        seen++;
      }
  }
  assert_true(seen >= LENGTH(known) * 9);
}

static void pickle_reads_long_texts_of_stock(void **state) {
  (void)state;
  int seen = 0;
  for (size_t i = 0; i < LENGTH(vectors_pickle); i++) {
    const vector_pickle *one = vectors_pickle + i;
    if (strcmp(one->name, "rep_tb_300") != 0)
      continue;
    pshm_pickle pickle = {0};
    const char *reason;
    uint32_t root = pshm_unpickle_read(&pickle, one->bytes, one->size, &reason);
    assert_true(root != 0);
    uint32_t text = pshm_unpickle_child(&pickle, root, 1);
    assert_true(pshm_unpickle_is(&pickle, text, PSHM_PICKLE_TEXT));
    assert_int_equal(pshm_unpickle_at(&pickle, text)->count, 300);
    pshm_unpickle_drop(&pickle);
    seen++;
  }
  assert_true(seen >= 9);
}

static void pickle_refuses_the_exceptions_of_stock(void **state) {
  (void)state;
  int seen = 0;
  for (size_t i = 0; i < LENGTH(vectors_pickle); i++)
    if (strcmp(vectors_pickle[i].name, "rep_error") == 0) {
      refuses(
          vectors_pickle[i].bytes, vectors_pickle[i].size, "no plain value");
      seen++;
    }
  assert_true(seen >= 9);
}

/* ------------------------------------------------------------------ opcodes */

static void pickle_reads_all_protocols(void **state) {
  (void)state;
  /* (None, 'x', ('y',), {'k': 1}) */
  READS(
      "(NVx\np0\n(Vy\np1\ntp2\n(dp3\nVk\np4\nI1\nstp5\n.",
      "(None,'x',('y',),{'k',1,},)");
  READS(
      "(NX\1\0\0\0xq\0(X\1\0\0\0yq\1tq\2}q\3X\1\0\0\0kq\4K\1stq\5.",
      "(None,'x',('y',),{'k',1,},)");
  READS(
      "\x80\2(NX\1\0\0\0xq\0X\1\0\0\0yq\1\x85q\2}q\3X\1\0\0\0kq\4K\1stq\5.",
      "(None,'x',('y',),{'k',1,},)");
}

static void pickle_reads_numbers(void **state) {
  (void)state;
  READS("K\xff.", "255");
  READS("M\xff\xff.", "65535");
  READS("J\xff\xff\xff\xff.", "-1");
  READS("\x8a\0.", "0");
  READS("\x8a\1\x80.", "-128");
  READS("\x8a\x08\0\0\0\0\0\0\0\x80.", "-9223372036854775808");
  READS("I-12\n.", "-12");
  READS("L12L\n.", "12");
  READS("I01\n.", "True");
  READS("\x89.", "False");
  READS("G\x3f\xf8\0\0\0\0\0\0.", "1.5");
  REFUSES("\x8a\x09\0\0\0\0\0\0\0\0\1.", "too large");
  REFUSES("I\n.", "none");
  REFUSES("I-\n.", "none");
  REFUSES("I1x\n.", "none");
  REFUSES("I9999999999999999999\n.", "too large");
}

static void pickle_reads_containers(void **state) {
  (void)state;
  READS("\x80\4)\x85\x85.", "(((),),)");
  READS("](K\1K\2eK\3a.", "[1,2,3,]");
  READS("}(K\1K\2K\3K\4u.", "{1,2,3,4,}");
  READS("(K\1K\2l.", "[1,2,]");
  READS("NNN\x87.", "(None,None,None,)");
  READS("C\2abB\1\0\0\0c\x86.", "(b'ab',b'c',)");
}

static void pickle_refuses_what_could_run(void **state) {
  (void)state;
  REFUSES("\x80\4\x8c\2os\x8c\6system\x93.", "no plain value");
  REFUSES("cos\nsystem\n(Vtrue\ntR.", "no plain value");
  REFUSES("(Vtrue\nios\nsystem\n.", "no plain value");
  static const char opcodes[] = "R\x81\x92\x62\x63oiPQ\x82\x83\x84\x93\x8e\x8d"
                                "\x8f\x90\x91\x96\x97\x98TSU\x8b\x32\x30\x31";
  for (size_t i = 0; i < sizeof opcodes - 1; i++) {
    char bytes[] = {'N', opcodes[i], 0, 0, 0, 0, 0, 0, 0, 0, '.'};
    refuses(bytes, sizeof bytes, "no plain value");
  }
}

static void pickle_refuses_what_is_broken(void **state) {
  (void)state;
  REFUSES("", "ends");
  REFUSES(".", "one value");
  REFUSES("N", "ends");
  REFUSES("NN.", "one value");
  REFUSES("N.N", "behind its end");
  REFUSES("(.", "one value");
  REFUSES("N(.", "one value");
  REFUSES("t.", "not begun");
  REFUSES("N\x86.", "more than there is");
  REFUSES("(N\x86.", "more than there is");
  REFUSES("Na.", "more than there is");
  REFUSES("NNa.", "no such container");
  REFUSES("](Na.", "no such container");
  REFUSES("}(Nu.", "no value");
  REFUSES("(Nd.", "no value");
  REFUSES("}Ns.", "more than there is");
  REFUSES("NNNs.", "no such container");
  REFUSES("\x80\6N.", "protocol");
  REFUSES("\x8c\5abc.", "ends");
  REFUSES(
      "X\xff\xff\xff\xff"
      "abc.",
      "ends");
  REFUSES("\x95\0\0\0", "ends");
  REFUSES("V\\u0041\n.", "ASCII");
}

static void pickle_keeps_to_its_memo(void **state) {
  (void)state;
  READS("V1\n\x94h\0\x86.", "('1','1',)");
  REFUSES("h\0.", "not there");
  REFUSES("\x94.", "memo");
  REFUSES("Nq\7h\6.", "not there");
  REFUSES("]q\0h\0a.", "refers to a container"); /* a list in itself */
  REFUSES("Nr\xff\xff\xff\x7f.", "memo");
  REFUSES("Nr\0\1\0\0.", "memo"); /* 256 of them, from 0 on */
  READS("Vx\nq\xffh\xff\x86.", "('x','x',)");
}

static void pickle_has_limits(void **state) {
  (void)state;
  char bytes[1024];
  memset(bytes, '(', 64);
  memset(bytes + 64, 't', 64);
  bytes[128] = '.';
  pshm_pickle pickle = {0};
  const char *reason;
  assert_true(pshm_unpickle_read(&pickle, bytes, 129, &reason) != 0);
  memset(bytes, '(', 65);
  memset(bytes + 65, 't', 65);
  bytes[130] = '.';
  refuses(bytes, 131, "too deep");
  memset(bytes, 'N', sizeof bytes);
  refuses(bytes, sizeof bytes, "too many");
  pickle.most = 10;
  bytes[0] = '(';
  memset(bytes + 1, 'N', 8);
  bytes[9] = 't';
  bytes[10] = '.';
  assert_true(pshm_unpickle_read(&pickle, bytes, 11, &reason) != 0);
  bytes[9] = 'N';
  bytes[10] = 't';
  bytes[11] = '.';
  assert_int_equal(pshm_unpickle_read(&pickle, bytes, 12, &reason), 0);
  pshm_unpickle_drop(&pickle);
}

/* ---------------------------------------------------------------- in pieces */

#define WHOLE(bytes)                                                           \
  { bytes, sizeof(bytes) - 1 }

/* Each opcode that is read, and each width of its numbers. */
static const struct {
  const char *bytes;
  size_t size;
} wholes[] = {
    WHOLE("(NVx\np0\n(Vy\np1\ntp2\n(dp3\nVk\np4\nI1\nstp5\ng4\n\x86."),
    WHOLE("\x80\4\x95\x08\0\0\0\0\0\0\0(K\1M\1\0J\1\0\0\0l."),
    WHOLE("(\x8a\2\1\1L12L\nI-3\nI01\n\x88\x89t."),
    WHOLE("]G\x3f\xf8\0\0\0\0\0\0a(NNe."),
    WHOLE("\x8c\1x\x94h\0\x86X\1\0\0\0yq\1j\1\0\0\0\x87."),
    WHOLE("C\1aB\1\0\0\0br\0\0\0\0\x86."),
    WHOLE("}(K\1K\2u)K\3s."),
};

static uint32_t read_whole(
    pshm_pickle *pickle, size_t which, const char **out_reason) {
  return pshm_unpickle_read(
      pickle, wholes[which].bytes, wholes[which].size, out_reason);
}

static void pickle_refuses_all_that_is_cut(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(wholes); i++) {
    pshm_pickle pickle = {0};
    const char *reason = "";
    assert_true(read_whole(&pickle, i, &reason) != 0);
    pshm_unpickle_drop(&pickle);
    for (size_t size = 0; size < wholes[i].size; size++)
      refuses(wholes[i].bytes, size, "it ends in the middle");
  }
}

static void pickle_says_that_memory_is_short(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(wholes); i++)
    for (unsigned nth = 1;; nth++) {
      pshm_pickle pickle = {0};
      const char *reason = "";
      faults_reset();
      faults_fail(FAULT_MALLOC, nth, 1, ENOMEM);
      uint32_t root = read_whole(&pickle, i, &reason);
      bool hit = faults_hit(FAULT_MALLOC);
      faults_reset();
      assert_int_equal(root == 0, hit);
      assert_string_equal(reason, hit ? "there is no memory for it" : "");
      /* And when there is memory again, it reads on. */
      assert_true(read_whole(&pickle, i, &reason) != 0);
      pshm_unpickle_drop(&pickle);
      if (!hit)
        break;
    }
}

static void pickle_counts_values_of_every_kind(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(wholes); i++) {
    pshm_pickle pickle = {.most = 1};
    const char *reason = "";
    while (read_whole(&pickle, i, &reason) == 0) {
      assert_true(
          strstr(reason, "too many values") || strstr(reason, "memo is too"));
      assert_true(++pickle.most < 100);
    }
    assert_true(pickle.most > 2);
    pshm_unpickle_drop(&pickle);
  }
}

static void pickle_says_what_is_there(void **state) {
  (void)state;
  pshm_pickle pickle = {0};
  const char *reason;
  static const char bytes[] = "(Vword\nV\nK\7t.";
  uint32_t root = pshm_unpickle_read(&pickle, bytes, sizeof bytes - 1, &reason);
  uint32_t word = pshm_unpickle_child(&pickle, root, 0);
  uint32_t empty = pshm_unpickle_child(&pickle, root, 1);
  uint32_t number = pshm_unpickle_child(&pickle, root, 2);
  assert_true(pshm_unpickle_says(&pickle, word, "word"));
  assert_false(pshm_unpickle_says(&pickle, word, "wor"));
  assert_false(pshm_unpickle_says(&pickle, word, "worm"));
  assert_true(pshm_unpickle_says(&pickle, empty, ""));
  assert_false(pshm_unpickle_says(&pickle, number, "7"));
  /* What is not there is nothing, and has nothing. */
  assert_int_equal(pshm_unpickle_child(&pickle, root, 3), 0);
  assert_int_equal(pshm_unpickle_child(&pickle, 0, 0), 0);
  assert_false(pshm_unpickle_is(&pickle, 0, PSHM_PICKLE_TEXT));
  assert_false(pshm_unpickle_says(&pickle, 0, "word"));
  pshm_unpickle_drop(&pickle);
}

static void pickle_refuses_lines_that_are_none(void **state) {
  (void)state;
  REFUSES("Np-1\n.", "none");
  REFUSES("g-1\n.", "none");
  REFUSES("Ig\n.", "none");
  REFUSES("I/\n.", "none");
  REFUSES("L-L\n.", "none");
  REFUSES("V\x80\n.", "ASCII");
  READS("I00\n.", "False");
  READS("I02\n.", "2");
  READS("I10\n.", "10");
}

static void pickle_writes_what_it_reads(void **state) {
  (void)state;
  char text[300];
  memset(text, 'x', sizeof text);
  pshm_buffer out = {0};
  pshm_pickle_begin(&out);
  pshm_pickle_put_mark(&out);
  pshm_pickle_put_none(&out);
  pshm_pickle_put_int(&out, 7);
  pshm_pickle_put_int(&out, INT64_MIN);
  pshm_pickle_put_empty_list(&out);
  pshm_pickle_put_mark(&out);
  pshm_pickle_put_text(&out, "a", 1);
  pshm_pickle_put_text(&out, "", 0);
  pshm_pickle_put_appends(&out);
  pshm_pickle_put_empty_tuple(&out);
  pshm_pickle_put_empty_dict(&out);
  pshm_pickle_put_tuple(&out);
  pshm_pickle_end(&out);
  reads(out.bytes, out.size, "(None,7,-9223372036854775808,['a','',],(),{},)");
  pshm_buffer_consume(&out, out.size);
  pshm_pickle_begin(&out);
  pshm_pickle_put_text(&out, text, sizeof text);
  pshm_pickle_end(&out);
  pshm_pickle pickle = {0};
  const char *reason;
  uint32_t root = pshm_unpickle_read(&pickle, out.bytes, out.size, &reason);
  assert_int_equal(pshm_unpickle_at(&pickle, root)->count, sizeof text);
  pshm_unpickle_drop(&pickle);
  pshm_buffer_drop(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pickle_reads_what_stock_sends),
      cmocka_unit_test(pickle_reads_long_texts_of_stock),
      cmocka_unit_test(pickle_refuses_the_exceptions_of_stock),
      cmocka_unit_test(pickle_reads_all_protocols),
      cmocka_unit_test(pickle_reads_numbers),
      cmocka_unit_test(pickle_reads_containers),
      cmocka_unit_test(pickle_refuses_what_could_run),
      cmocka_unit_test(pickle_refuses_what_is_broken),
      cmocka_unit_test(pickle_keeps_to_its_memo),
      cmocka_unit_test(pickle_has_limits),
      cmocka_unit_test(pickle_refuses_all_that_is_cut),
      cmocka_unit_test(pickle_says_that_memory_is_short),
      cmocka_unit_test(pickle_counts_values_of_every_kind),
      cmocka_unit_test(pickle_says_what_is_there),
      cmocka_unit_test(pickle_refuses_lines_that_are_none),
      cmocka_unit_test(pickle_writes_what_it_reads),
  };
  return run_group(tests);
}
