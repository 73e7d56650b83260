/* SPDX-License-Identifier: MIT */
/*
 * A manager among many clients, most of whom mean no good: silent ones, slow
 * ones, those who send garbage, those who are killed while they ask. The good
 * ones must not notice, and at the end no block may be left.
 *
 * Usage: manager_load [--requests N] [--clients N] [--victims N] [--idle N]
 *                     [--slow N] [--garbage N] [--descriptors N] [--tcp]
 */
#include <polyshm.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY "load", 4
#define SECOND INT64_C(1000000000)

enum { VICTIMS_MOST = 64, CLIENTS_MOST = 512, PEERS_MOST = 8192, BYTES = 512 };

static struct {
  long requests, clients, victims, idle, slow, garbage, descriptors;
  bool tcp;
} wish = {
    .requests = 10000,
    .clients = 50,
    .victims = 5,
    .idle = 1000,
    .slow = 200,
    .garbage = 200};

static char address[64], prefix[32];

typedef struct tally {
  _Atomic uint64_t requests, failures, worst; /* nanoseconds */
} tally;

static tally *shared;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, polyshm_error_message());
  exit(1);
}

/* ------------------------------------------------------------------ server */

/* Nobody outlives this program, however it ends. */
static pid_t fork_child(void) {
  pid_t child = fork();
  if (child == 0)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

static pid_t start_server(int *out_ready) {
  int ends[2];
  if (pipe(ends) != 0)
    fail("pipe");
  pid_t server = fork_child();
  if (server == 0) {
    close(ends[0]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur =
        wish.descriptors > 0 ? (rlim_t)wish.descriptors : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    polyshm_server_options options = {
        .struct_size = sizeof options, .handshake_timeout = 2 * SECOND};
    polyshm_server *opened;
    const char *wanted = wish.tcp ? "tcp:127.0.0.1:0" : address;
    if (polyshm_server_open(wanted, KEY, &options, &opened) != POLYSHM_OK)
      fail("the server");
    const char *real = polyshm_server_address(opened);
    if (write(ends[1], real, strlen(real) + 1) < 0)
      fail("the pipe");
    close(ends[1]);
    polyshm_event_info event = {.struct_size = sizeof event};
    polyshm_status status;
    while ((status = polyshm_server_next(opened, POLYSHM_FOREVER, &event)) !=
           POLYSHM_E_END)
      if (status != POLYSHM_E_INTERRUPTED)
        fail("the server");
    polyshm_server_free(opened);
    _exit(0);
  }
  close(ends[1]);
  *out_ready = ends[0];
  return server;
}

static void print_memory(pid_t server) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%ld/status", (long)server);
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, "VmHWM", 5) == 0 || strncmp(line, "RssAnon", 7) == 0)
      printf("server: %s", line);
  if (file != NULL)
    fclose(file);
}

/* ----------------------------------------------------------------- hostile */

static int connect_raw(void) {
  union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in four;
  } to = {.any.sa_family = wish.tcp ? AF_INET : AF_UNIX};
  socklen_t size;
  if (wish.tcp) {
    to.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.four.sin_port =
        htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    size = sizeof to.four;
  } else {
    size_t length = strlen(address) - 6; /* behind "unix:@" */
    memcpy(to.local.sun_path + 1, address + 6, length);
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
  }
  int end =
      socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (end >= 0 && connect(end, &to.any, size) != 0 && errno != EINPROGRESS) {
    close(end);
    return -1;
  }
  return end;
}

/* What it gets it throws away; false if the other side has closed. */
static bool swallow(int end) {
  char bytes[4096];
  ssize_t size;
  while ((size = recv(end, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
    continue;
  return size < 0 && (errno == EAGAIN || errno == ENOTCONN);
}

_Noreturn static void be_hostile(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  static struct pollfd ends[PEERS_MOST];
  long silent = wish.idle / 2, count = silent + wish.slow + wish.garbage;
  for (long i = 0; i < count; i++)
    ends[i].fd = -1;
  for (unsigned random = 1;; random++) {
    for (long i = 0; i < count; i++) {
      if (ends[i].fd < 0)
        ends[i] = (struct pollfd){.fd = connect_raw(), .events = POLLIN};
      if (ends[i].fd < 0)
        continue;
      bool is_good = swallow(ends[i].fd);
      char bytes[BYTES];
      if (is_good && i >= silent + wish.slow) {
        for (int j = 0; j < BYTES; j++)
          bytes[j] = (char)((random = random * 1103515245 + 12345) >> 16);
        bytes[0] = bytes[1] = 0; /* some of them are messages */
        send(ends[i].fd, bytes, BYTES, MSG_NOSIGNAL);
      } else if (is_good && i >= silent)
        send(ends[i].fd, "\0", 1, MSG_NOSIGNAL); /* of a length */
      if (!is_good) {
        close(ends[i].fd);
        ends[i].fd = -1;
      }
    }
    poll(ends, (nfds_t)count, 50);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  }
}

/* ------------------------------------------------------------------ clients */

static polyshm_manager *connect_well(void) {
  polyshm_manager_options options = {
      .struct_size = sizeof options, .timeout = 120 * SECOND};
  polyshm_manager *manager;
  if (polyshm_manager_connect(address, KEY, &options, &manager) != POLYSHM_OK)
    fail("connect");
  return manager;
}

static void be_good(long number, long requests) {
  polyshm_manager *manager = connect_well();
  for (long i = 0; i < requests; i += 2) {
    char name[128];
    snprintf(name, sizeof name, "%s%ld-%ld", prefix, number, i);
    polyshm_block *block;
    int64_t begun = now();
    if (polyshm_manager_block(manager, name, 4096, 0, NULL, &block) !=
        POLYSHM_OK)
      fail("block");
    polyshm_block_free(block);
    if (polyshm_manager_release(manager, name) != POLYSHM_OK)
      fail("release");
    uint64_t took = (uint64_t)(now() - begun);
    if (took > shared->worst)
      shared->worst = took;
    shared->requests += 2;
  }
  polyshm_manager_free(manager);
}

static pid_t start_victim(long number) {
  pid_t victim = fork_child();
  if (victim == 0)
    for (long i = 0;; i++) {
      be_good(1000 + number + i, 1000000);
    }
  return victim;
}

/* Kill one after the other until all good ones have ended. */
static bool wait_for_good(pid_t *clients) {
  pid_t victims[VICTIMS_MOST];
  long next = 0, left = wish.clients;
  bool is_good = true;
  for (long i = 0; i < wish.victims; i++)
    victims[i] = start_victim(next++);
  while (left > 0) {
    int ended;
    pid_t one = waitpid(-1, &ended, WNOHANG);
    for (long i = 0; i < wish.clients && one > 0; i++)
      if (clients[i] == one) {
        left--;
        is_good = is_good && ended == 0;
      }
    if (one > 0)
      continue;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    if (wish.victims > 0) {
      long i = next % wish.victims;
      kill(victims[i], SIGKILL);
      waitpid(victims[i], NULL, 0);
      victims[i] = start_victim(next++);
    }
  }
  for (long i = 0; i < wish.victims; i++) {
    kill(victims[i], SIGKILL);
    waitpid(victims[i], NULL, 0);
  }
  printf("%ld clients were killed while they asked\n", next);
  return is_good;
}

/* ------------------------------------------------------------------- blocks */

static bool is_orphan(const char *name) {
  polyshm_info info = {.struct_size = sizeof info};
  return polyshm_inspect(name, &info) == POLYSHM_OK &&
         (info.state & POLYSHM_STATE_ORPHAN);
}

/* Those that are there, and how many of them gc may take: of clients that were
 * killed when a manager without descriptors had just cut them off. */
static long count_blocks(bool remove, long *out_orphans) {
  long count = 0;
  *out_orphans = 0;
  DIR *folder = opendir("/dev/shm");
  struct dirent *entry;
  while (folder != NULL && (entry = readdir(folder)) != NULL)
    if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
      count++;
      *out_orphans += is_orphan(entry->d_name);
      if (remove)
        polyshm_unlink(entry->d_name);
    }
  if (folder != NULL)
    closedir(folder);
  return count;
}

static long count_segments(polyshm_manager *manager) {
  static char names[1 << 20];
  uint64_t size;
  if (polyshm_manager_segments(manager, names, sizeof names, &size) !=
      POLYSHM_OK)
    fail("segments");
  long count = 0;
  for (uint64_t i = 0; i < size && i < sizeof names; i++)
    count += names[i] == 0;
  return count;
}

static void read_options(int argc, char **argv) {
  static const struct option longs[] = {
      {"requests", required_argument, NULL, 'r'},
      {"clients", required_argument, NULL, 'c'},
      {"victims", required_argument, NULL, 'v'},
      {"idle", required_argument, NULL, 'i'},
      {"slow", required_argument, NULL, 's'},
      {"garbage", required_argument, NULL, 'g'},
      {"descriptors", required_argument, NULL, 'd'},
      {"tcp", no_argument, NULL, 't'},
      {0}};
  int option;
  while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
    long number = optarg == NULL ? 0 : strtol(optarg, NULL, 10);
    switch (option) {
    case 'r':
      wish.requests = number;
      break;
    case 'c':
      wish.clients = number;
      break;
    case 'v':
      wish.victims = number;
      break;
    case 'i':
      wish.idle = number;
      break;
    case 's':
      wish.slow = number;
      break;
    case 'g':
      wish.garbage = number;
      break;
    case 'd':
      wish.descriptors = number;
      break;
    case 't':
      wish.tcp = true;
      break;
    default:
      exit(2);
    }
  }
  if (wish.clients < 1 || wish.clients > CLIENTS_MOST ||
      wish.victims > VICTIMS_MOST ||
      wish.idle / 2 + wish.slow + wish.garbage > PEERS_MOST)
    exit(2);
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  char path[4096];
  if (polyshm_manager_path(path, sizeof path) == POLYSHM_E_UNSUPPORTED) {
    printf("skipped: %s\n", polyshm_error_message());
    return 77;
  }
  snprintf(prefix, sizeof prefix, "polyshm-load-%ld-", (long)getpid());
  snprintf(address, sizeof address, "unix:@%s", prefix);
  shared = mmap(
      NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
      -1, 0);
  int ready;
  pid_t server = start_server(&ready);
  if (read(ready, address, sizeof address) <= 0)
    fail("the server");
  close(ready);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  pid_t hostile = fork_child();
  if (hostile == 0)
    be_hostile();
  /* Idle ones who know the key. */
  long known = wish.idle - wish.idle / 2;
  polyshm_manager **idle = calloc((size_t)known + 1, sizeof *idle);
  for (long i = 0; i < known; i++)
    idle[i] = connect_well();

  int64_t begun = now();
  pid_t clients[CLIENTS_MOST];
  for (long i = 0; i < wish.clients; i++) {
    clients[i] = fork_child();
    if (clients[i] == 0) {
      be_good(i, wish.requests / wish.clients);
      _exit(0);
    }
  }
  bool is_good = wait_for_good(clients);
  double seconds = (double)(now() - begun) / (double)SECOND;
  uint64_t done = shared->requests;
  print_memory(server);

  polyshm_manager *manager = connect_well();
  long orphans, there = count_blocks(false, &orphans);
  long owned = count_segments(manager);
  printf(
      "%ld blocks of killed clients, %ld owned, %ld orphans\n", there, owned,
      orphans);
  is_good = is_good && there <= owned + orphans;
  for (long i = 0; i < known; i++) { /* they still are somebody */
    if (i % 50 == 0 && count_segments(idle[i]) != owned)
      fail("an idle client");
    polyshm_manager_free(idle[i]);
  }
  free(idle);
  if (polyshm_manager_shutdown(manager) != POLYSHM_OK)
    fail("shutdown");
  polyshm_manager_free(manager);
  kill(hostile, SIGKILL);
  waitpid(hostile, NULL, 0);
  int ended;
  waitpid(server, &ended, 0);
  uint64_t collected;
  if (polyshm_gc(0, &collected) != POLYSHM_OK)
    fail("gc");
  long left = count_blocks(true, &orphans);
  printf(
      "%" PRIu64 " requests in %.2f s, the slowest pair %.1f ms; the server "
      "ended with %d, %ld blocks are left\n",
      done, seconds, (double)shared->worst / 1e6, ended, left);
  is_good = is_good && ended == 0 && left == 0 &&
            (long)done >= wish.requests / wish.clients * wish.clients;
  return is_good ? 0 : 1;
}
