/* SPDX-License-Identifier: MIT */
#include "stepper.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than any call here needs. Where an atomic operation is a loop that an
 * interruption sends back to its start, it never ends. */
enum { STEPS_MOST = 3000000 };

/* ----------------------------------------------------------- the processor */

#if defined __x86_64__
#define IS_CALL(code) (((code)&0xffff) == 0x050f)
#define WITH_BREAK(code) (((code) & ~0xffL) | 0xcc)
#define COUNTER(all) ((all)->rip)
#define NUMBER(all) ((all)->rax)
#elif defined __aarch64__
#define IS_CALL(code) (((code)&0xffffffff) == 0xd4000001)
#define WITH_BREAK(code) (((code) & ~0xffffffffL) | 0xd4200000)
#define COUNTER(all) ((all)->pc)
#define NUMBER(all) ((all)->regs[8])
#endif

#ifdef COUNTER

enum { KNOWN_PROCESSOR = 1 };

static void load_registers(
    const stepper *self, struct user_regs_struct *out_all) {
  struct iovec room = {out_all, sizeof *out_all};
  assert_true(ptrace(PTRACE_GETREGSET, self->process, NT_PRSTATUS, &room) == 0);
}

static uint64_t get_place(const stepper *self) {
  struct user_regs_struct all;
  load_registers(self, &all);
  return COUNTER(&all);
}

static void set_place(const stepper *self, uint64_t place) {
  struct user_regs_struct all;
  struct iovec room = {&all, sizeof all};
  load_registers(self, &all);
  COUNTER(&all) = place;
  assert_true(ptrace(PTRACE_SETREGSET, self->process, NT_PRSTATUS, &room) == 0);
}

static long get_code(const stepper *self, uint64_t place) {
  errno = 0;
  long code = ptrace(PTRACE_PEEKTEXT, self->process, place, NULL);
  assert_int_equal(errno, 0);
  return code;
}

static void set_code(const stepper *self, uint64_t place, long code) {
  assert_true(ptrace(PTRACE_POKETEXT, self->process, place, code) == 0);
}

long stepper_call(const stepper *self) {
  struct user_regs_struct all;
  load_registers(self, &all);
  return IS_CALL(get_code(self, COUNTER(&all))) ? (long)NUMBER(&all) : -1;
}

#else

/* Calls are not seen, though their effects on the watched bytes are, and ways
 * are gone by single steps. */
enum { KNOWN_PROCESSOR = 0 };
#define WITH_BREAK(code) (code)

static uint64_t get_place(const stepper *self) {
  (void)self;
  return 0;
}

static void set_place(const stepper *self, uint64_t place) {
  (void)self;
  (void)place;
}

static long get_code(const stepper *self, uint64_t place) {
  (void)self;
  (void)place;
  return 0;
}

static void set_code(const stepper *self, uint64_t place, long code) {
  (void)self;
  (void)place;
  (void)code;
}

long stepper_call(const stepper *self) {
  (void)self;
  return -1;
}

#endif

/* --------------------------------------------------------- start and end */

static _Noreturn void play(const stepper_part *part, stepper_stage *stage) {
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
    _exit(1);
  part->prepare(part->argument, stage);
  raise(SIGSTOP);
  atomic_store(&stage->began, 1);
  part->act(part->argument, stage);
  atomic_store(&stage->ended, 1);
  raise(SIGSTOP);
  _exit(0);
}

/* It has stopped because of this signal, or the test fails. */
static void await_stop(stepper *self, int expected) {
  int status = 0;
  assert_int_equal(waitpid(self->process, &status, 0), self->process);
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != expected) {
    print_error(
        "the process in step %u: wait status %#x, not a stop by signal %d\n",
        self->steps, (unsigned)status, expected);
    fail();
  }
}

/* A macro, for requests have another type in each C library. */
#define go_on(self, request)                                                   \
  assert_true(ptrace((request), (self)->process, NULL, NULL) == 0)

void stepper_start(
    stepper *self, const stepper_part *part, const void *watched, size_t size) {
  *self = (stepper){.watched = watched, .size = size};
  self->stage = mmap(
      NULL, sizeof *self->stage, PROT_READ | PROT_WRITE,
      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(self->stage != MAP_FAILED);
  self->last = malloc(size + 1);
  assert_non_null(self->last);
  fflush(NULL);
  self->process = fork();
  assert_true(self->process >= 0);
  if (self->process == 0)
    play(part, self->stage);
  await_stop(self, SIGSTOP);
  long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
  assert_int_equal(ptrace(PTRACE_SETOPTIONS, self->process, NULL, options), 0);
  while (!atomic_load(&self->stage->began)) {
    go_on(self, PTRACE_SINGLESTEP);
    await_stop(self, SIGTRAP);
  }
  memcpy(self->last, watched, size);
}

void stepper_kill(stepper *self) {
  int status;
  assert_int_equal(kill(self->process, SIGKILL), 0);
  assert_int_equal(waitpid(self->process, &status, 0), self->process);
  munmap(self->stage, sizeof *self->stage);
  free(self->last);
}

/* ------------------------------------------------------------------ steps */

bool stepper_step(stepper *self) {
  if (atomic_load(&self->stage->ended))
    return false;
  assert_true(self->steps++ < STEPS_MOST);
  go_on(self, PTRACE_SINGLESTEP);
  await_stop(self, SIGTRAP);
  if (atomic_load(&self->stage->ended))
    return false;
  if (memcmp(self->last, self->watched, self->size) != 0) {
    memcpy(self->last, self->watched, self->size);
    self->stores++;
  }
  return true;
}

void stepper_note(const stepper *self, stepper_path *path) {
  if (path->n == path->room) {
    path->room = 2 * path->room + 1024;
    path->places = realloc(path->places, path->room * sizeof *path->places);
    assert_non_null(path->places);
  }
  path->places[path->n++] = get_place(self);
}

static bool step_times(stepper *self, unsigned times) {
  bool more = true;
  while (times-- > 0 && more)
    more = stepper_step(self);
  return more;
}

bool stepper_is_futex(long call) {
#ifdef SYS_futex_time64
  if (call == SYS_futex_time64)
    return true;
#endif
  return call == SYS_futex;
}

enum { CALL_STOP = SIGTRAP | 0x80 };

/* What a call does that has just begun, or ended. */
static struct __ptrace_syscall_info get_call(const stepper *self) {
  struct __ptrace_syscall_info info = {0};
  assert_true(
      ptrace(
          PTRACE_GET_SYSCALL_INFO, self->process, sizeof info, (void *)&info) >
      0);
  return info;
}

static bool is_at_sleep(const stepper *self) {
  struct __ptrace_syscall_info info = get_call(self);
  return info.op == PTRACE_SYSCALL_INFO_ENTRY &&
         stepper_is_futex((long)info.entry.nr);
}

/* Go to before an instruction; false if the end came first, or a sleep where it
 * is to stay awake. */
static bool run_to(stepper *self, uint64_t place, bool awake) {
  int status = 0;
  bool sleeps = false;
  long code = get_code(self, place);
  set_code(self, place, WITH_BREAK(code));
  do {
    go_on(self, awake ? PTRACE_SYSCALL : PTRACE_CONT);
    assert_int_equal(waitpid(self->process, &status, 0), self->process);
    assert_true(WIFSTOPPED(status));
    sleeps = WSTOPSIG(status) == CALL_STOP && is_at_sleep(self);
  } while (WSTOPSIG(status) == CALL_STOP && !sleeps);
  set_code(self, place, code);
  if (sleeps || atomic_load(&self->stage->ended))
    return false;
  assert_int_equal(WSTOPSIG(status), SIGTRAP);
  set_place(self, place);
  return true;
}

bool stepper_store(stepper *self) {
  unsigned stores = self->stores;
  while (stepper_step(self))
    if (self->stores != stores)
      return true;
  return false;
}

bool stepper_event(stepper *self) {
  unsigned stores = self->stores;
  for (;;) {
    bool call = stepper_call(self) >= 0;
    if (!stepper_step(self))
      return false;
    self->calls += call;
    if (call || self->stores != stores)
      return true;
  }
}

/* False if it stopped because it is at its end. */
static bool await_call(stepper *self) {
  int status = 0;
  assert_int_equal(waitpid(self->process, &status, 0), self->process);
  assert_true(WIFSTOPPED(status));
  if (atomic_load(&self->stage->ended))
    return false;
  assert_int_equal(WSTOPSIG(status), CALL_STOP);
  struct __ptrace_syscall_info info = get_call(self);
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
    self->call = (long)info.entry.nr;
  else
    self->result = (long)info.exit.rval;
  return true;
}

bool stepper_enter_call(stepper *self) {
  go_on(self, PTRACE_SYSCALL);
  return await_call(self);
}

void stepper_release(stepper *self) {
  go_on(self, PTRACE_SYSCALL);
}

void stepper_await(stepper *self) {
  assert_true(await_call(self));
}

void stepper_leave_call(stepper *self) {
  stepper_release(self);
  stepper_await(self);
}

void stepper_run(stepper *self) {
  if (atomic_load(&self->stage->ended))
    return;
  go_on(self, PTRACE_CONT);
  await_stop(self, SIGSTOP);
  assert_true(atomic_load(&self->stage->ended));
}

static bool jump(
    stepper *self, const stepper_path *path, unsigned step, bool awake) {
  if (step >= path->n) {
    stepper_run(self);
    return false;
  }
  if (!KNOWN_PROCESSOR)
    return step_times(self, step);
  uint64_t place = path->places[step];
  bool more = true;
  for (unsigned i = 1; i <= step && more; i++)
    if (path->places[i] == place)
      more = (get_place(self) != place || stepper_step(self)) &&
             run_to(self, place, awake);
  return more;
}

bool stepper_jump(stepper *self, const stepper_path *path, unsigned step) {
  return jump(self, path, step, false);
}

bool stepper_jump_awake(
    stepper *self, const stepper_path *path, unsigned step) {
  return jump(self, path, step, true);
}

char stepper_state(const stepper *self) {
  char path[64], state = '?';
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)self->process);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return state;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
    state = '?';
  fclose(file);
  return state;
}

/* ------------------------------------------------------------- permission */

/* One processor for both: a step is then no message between two. */
static void share_a_processor(void) {
  cpu_set_t one;
  CPU_ZERO(&one);
  int here = sched_getcpu();
  if (here < 0)
    return;
  CPU_SET((size_t)here, &one);
  sched_setaffinity(0, sizeof one, &one);
}

/* Names that are bound when they are first called would be steps by the
 * thousand. */
static void bind_all_names(char **arguments) {
  if (getenv("LD_BIND_NOW") != NULL)
    return;
  setenv("LD_BIND_NOW", "1", 1);
  execv("/proc/self/exe", arguments);
}

/* Containers and sandboxes refuse ptrace; some emulators know no steps. */
bool stepper_works(char **arguments) {
  bind_all_names(arguments);
  share_a_processor();
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
      _exit(1);
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  bool works = child > 0 && waitpid(child, &status, 0) == child &&
               WIFSTOPPED(status) &&
               ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 &&
               waitpid(child, &status, 0) == child && WIFSTOPPED(status);
  if (child > 0 && WIFSTOPPED(status)) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  return works;
}
