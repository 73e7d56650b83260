/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "command.h"
#include "journal.h"
#include "key.h"
#include "node.h"
#include "notify.h"
#include "output.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { REMOTE = ARGUMENTS_LONG, NO_MD5, SYSLOG };

typedef struct wish {
  const char *address, *key_path;
  polyshm_server_options options;
  bool to_syslog, as_json;
} wish;

static polyshm_server *server;

static void stop(int signal) {
  (void)signal;
  polyshm_server_stop(server);
}

static void catch_signals(void) {
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action = {.sa_handler = stop};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction before;
    sigaction(signals[i], NULL, &before);
    if (before.sa_handler != SIG_IGN) /* as nohup wants it */
      sigaction(signals[i], &action, NULL);
  }
}

/* Each client takes a descriptor. */
static void raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static bool tell_address(bool as_json) {
  const char *address = polyshm_server_address(server);
  if (as_json) {
    json_object *object = node_new();
    node_put_bytes(object, "address", "address_hex", address, strlen(address));
    node_put(object, "pid", node_uint((uint64_t)getpid()));
    node_print(object);
  } else
    puts(address);
  return output_flush();
}

static int loop(void) {
  polyshm_event_info event = {.struct_size = sizeof event};
  polyshm_status status;
  notify_send("READY=1");
  while ((status = polyshm_server_next(server, POLYSHM_FOREVER, &event)) ==
             POLYSHM_OK ||
         status == POLYSHM_E_INTERRUPTED) {
    if (status == POLYSHM_OK)
      journal_put(event.level, event.text);
    event.struct_size = sizeof event;
  }
  notify_send("STOPPING=1");
  return status == POLYSHM_E_END ? CODE_OK : command_fail(status);
}

static int serve(const wish *wanted) {
  static key authkey;
  int code = key_read(wanted->key_path, &authkey);
  if (code != CODE_OK)
    return code;
  raise_limit();
  polyshm_status status = polyshm_server_open(
      wanted->address, authkey.bytes, authkey.size, &wanted->options, &server);
  key_forget(&authkey);
  if (status != POLYSHM_OK)
    return command_fail(status);
  catch_signals();
  journal_open(wanted->to_syslog);
  code = tell_address(wanted->as_json) ? loop() : CODE_FAILURE;
  /* No handler may find it freed. */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  polyshm_server_free(server);
  return code;
}

/* False if the argument of the option makes no sense. */
static bool take(wish *wanted, int option) {
  switch (option) {
  case REMOTE:
    wanted->options.flags |= POLYSHM_SERVER_REMOTE;
    return true;
  case NO_MD5:
    wanted->options.flags |= POLYSHM_SERVER_NO_MD5;
    return true;
  case SYSLOG:
    wanted->to_syslog = true;
    return true;
  case 'k':
    wanted->key_path = optarg;
    return true;
  case 'p':
    return arguments_number(optarg, &wanted->options.parent) &&
           wanted->options.parent > 0;
  default:
    return journal_level(optarg, &wanted->options.level);
  }
}

static int run(const command *self, int argc, char **argv) {
  static const struct option longs[] = {
      ARGUMENTS_COMMON,
      {"authkey-file", required_argument, NULL, 'k'},
      {"level", required_argument, NULL, 'l'},
      {"no-md5", no_argument, NULL, NO_MD5},
      {"parent", required_argument, NULL, 'p'},
      {"remote", no_argument, NULL, REMOTE},
      {"syslog", no_argument, NULL, SYSLOG},
      {0}};
  arguments given;
  wish wanted = {
      .options = {
          .struct_size = sizeof wanted.options,
          .level = POLYSHM_LEVEL_WARNING}};
  int option;
  arguments_begin(&given, self, argc, argv);
  while ((option = arguments_next(&given, "k:l:p:", longs)) != ARGUMENTS_END) {
    if (option == ARGUMENTS_STOP)
      return given.code;
    if (!take(&wanted, option))
      return arguments_misuse(self, "%s makes no sense there", optarg);
  }
  if (!arguments_count(&given, 0, 1))
    return given.code;
  wanted.address = given.nwords > 0 ? given.words[0] : NULL;
  wanted.as_json = given.as_json;
  return serve(&wanted);
}

const command command_serve = {
    .name = "serve",
    .synopsis = "[--authkey-file FILE] [--level LEVEL] [--syslog] [--no-md5] "
                "[--remote] [--parent PID] [--json] [ADDRESS]",
    .summary = "Be a manager, as SharedMemoryManager of stock Python is one",
    .help =
        "Addresses are unix:/path, unix:@name and tcp:host:port; without one,\n"
        "a fresh socket is made. Once clients can connect, the address is\n"
        "written. The authkey is in FILE or in POLYSHM_AUTHKEY: never on the\n"
        "command line. The manager ends, and removes its blocks, when a "
        "client\n"
        "asks for it, at SIGTERM, SIGINT and SIGHUP, and with its parent.\n\n"
        "  -k, --authkey-file F  the authkey, less one newline at the end;\n"
        "                        nobody else may read the file\n"
        "  -l, --level LEVEL     tell none, error, warning, info or debug;\n"
        "                        warning if not given\n"
        "      --syslog          tell it to syslog, not on standard error\n"
        "      --no-md5          refuse Python before 3.12\n"
        "      --remote          TCP for other machines, too: nothing is\n"
        "                        encrypted\n"
        "  -p, --parent PID      end when this process ends\n",
    .run = run};
