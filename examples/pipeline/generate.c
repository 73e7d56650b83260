/* SPDX-License-Identifier: MIT */
/*
 * Write a web access log of any size: combined format, seeded, realistic skew.
 *
 * The same options give the same bytes on every machine: the random numbers
 * are our own and all arithmetic is on integers, because the last bit of a
 * floating-point logarithm differs from one C library to the next.
 *
 * Paths and clients follow Zipf's law (the k-th most popular is drawn with
 * weight 1/k), the rate follows the hours of a day, and a few lines per
 * thousand are not log lines at all.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROGRAM "polyshm-example-generate"

enum {
  PATHS = 6000,
  CLIENTS = 40000,
  TEXT_MAX = 160,        /* longest generated client, path or agent */
  LINE_MAX_BYTES = 2048, /* far above the longest line */
  MEAN_LINE = 190,       /* to guess the number of lines from --size */
  BUFFER = 1 << 18
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------ numbers */

/* SplitMix64: small, and plenty for made-up visitors. */
static uint64_t random_state;

static uint64_t draw(void) {
  uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* A number below `limit`, which is at most 2^32. */
static uint32_t below(uint64_t limit) {
  return (uint32_t)(((draw() >> 32) * limit) >> 32);
}

/* A Zipf distribution as running sums of 2^32 / k. */
typedef struct zipf {
  uint64_t *sums;
  uint32_t count;
} zipf;

static void zipf_prepare(zipf *it, uint32_t count) {
  it->sums = malloc(count * sizeof *it->sums);
  if (it->sums == NULL) {
    fputs(PROGRAM ": out of memory\n", stderr);
    exit(1);
  }
  it->count = count;
  uint64_t sum = 0;
  for (uint32_t k = 0; k < count; k++)
    it->sums[k] = sum += (UINT64_C(1) << 32) / (k + 1);
}

static uint32_t zipf_draw(const zipf *it) {
  uint64_t at = (draw() >> 11) % it->sums[it->count - 1];
  uint32_t low = 0, high = it->count - 1;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (it->sums[middle] > at)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* ------------------------------------------------------------------- people */

static char paths[PATHS][TEXT_MAX];
static char clients[CLIENTS][TEXT_MAX];

/* Which path is asked how, and what comes back, belongs to the path: a picture
 * always has its own size. */
static uint32_t path_sizes[PATHS];

static const char *const sections[] = {
    "blog",  "shop", "docs",  "news", "api/v1",  "api/v2",
    "forum", "wiki", "media", "help", "account", "search",
};

static const char *const nouns[] = {
    "harbour",
    "lantern",
    "orchard",
    "meadow",
    "compass",
    "granite",
    "violin",
    "thunder",
    "pepper",
    "anchor",
    "marble",
    "willow",
    "cabin",
    "falcon",
    "copper",
    "garden",
    "signal",
    "bridge",
    "saddle",
    "velvet",
    /* Servers log what they were sent: percent signs mostly, UTF-8 at times. */
    "caf%C3%A9",
    "m\xc3\xbcsli",
};

static const char *const endings[] = {
    "",    "",     "",     "/",     ".html", ".html", ".css",
    ".js", ".png", ".jpg", ".webp", ".json", ".pdf",
};

static const char *const front_pages[] = {
    "/",
    "/index.html",
    "/robots.txt",
    "/favicon.ico",
    "/assets/app.js",
    "/assets/site.css",
    "/login",
    "/feed.xml",
    "/health",
};

static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) "
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 "
    "Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Chrome/133.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.2 Safari/605.1.15",
    "crawler/2.4 (+https://crawler.example/about)",
    "curl/8.11.1",
    "reader \\\"evening edition\\\"/1.7",
    "Besucherz\xc3\xa4hler/3.0",
    "-",
};

static const char *const referers[] = {
    "-",
    "-",
    "-",
    "https://www.example.org/",
    "https://www.example.org/search?q=lantern+repair",
    "https://news.example.net/",
};

static void make_path(char *text, uint32_t rank) {
  if (rank < COUNT(front_pages)) {
    strcpy(text, front_pages[rank]);
    return;
  }
  /* Drawn one by one: C leaves open in which order arguments are evaluated. */
  const char *section = sections[below(COUNT(sections))];
  const char *first = nouns[below(COUNT(nouns))];
  const char *second = nouns[below(COUNT(nouns))];
  const char *ending = endings[below(COUNT(endings))];
  snprintf(
      text, TEXT_MAX, "/%s/%s-%s-%" PRIu32 "%s", section, first, second, rank,
      ending);
}

static void make_client(char *text) {
  uint32_t kind = below(100);
  uint32_t a = below(1u << 16), b = below(1u << 16), c = below(1u << 16);
  if (kind < 6)
    snprintf(
        text, TEXT_MAX, "2001:db8:%" PRIx32 ":%" PRIx32 "::%" PRIx32, a, b, c);
  else if (kind < 8)
    snprintf(text, TEXT_MAX, "host-%" PRIu32 "-%" PRIu32 ".example.net", a, b);
  else
    snprintf(
        text, TEXT_MAX, "%" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32,
        1 + a % 223, a >> 8, b & 255, b >> 8);
}

/* --------------------------------------------------------------------- time */

enum { DAY = 86400 };

static const time_t start = 1741564800; /* 2025-03-10 00:00:00 UTC, a Monday */

/* Requests in each hour of a day, in thousandths of the mean. */
static const uint32_t hours[24] = {
    520,  400,  320,  270,  260,  310,  450,  680,  950,  1150, 1260, 1330,
    1360, 1320, 1290, 1280, 1300, 1380, 1500, 1620, 1660, 1420, 1070, 900,
};

/* Between the hours the rate changes in straight lines. */
static uint64_t rate_at(uint64_t second) {
  uint64_t hour = second % DAY / 3600, within = second % 3600;
  return (hours[hour] * (3600 - within) + hours[(hour + 1) % 24] * within) /
         3600;
}

/* "10/Mar/2025:13:55:36 +0000". Months come out in English because a program
 * that does not call setlocale is in the C locale. */
static void format_time(char *text, size_t size, uint64_t second) {
  time_t when = start + (time_t)second;
  strftime(text, size, "%d/%b/%Y:%H:%M:%S +0000", gmtime(&when));
}

/* -------------------------------------------------------------------- lines */

static zipf path_ranks, client_ranks;

/* What goes on the line is mostly short known text, for which snprintf is
 * several times too slow. */
static char *put(char *to, const char *text) {
  size_t length = strlen(text);
  memcpy(to, text, length);
  return to + length;
}

static char *put_number(char *to, uint64_t number) {
  char digits[20];
  size_t count = 0;
  do
    digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0)
    *to++ = digits[--count];
  return to;
}

static uint32_t pick_status(void) {
  uint32_t at = below(1000);
  if (at < 872)
    return 200;
  if (at < 922)
    return 304;
  if (at < 940)
    return 301;
  if (at < 950)
    return 302;
  if (at < 957)
    return 206;
  if (at < 985)
    return 404;
  if (at < 991)
    return 403;
  if (at < 993)
    return 401;
  if (at < 996)
    return 500;
  if (at < 998)
    return 502;
  if (at < 999)
    return 503;
  return 101;
}

static char *put_request(char *to, uint32_t rank, uint32_t *status) {
  uint32_t kind = below(10000);
  if (kind < 4) { /* somebody speaks TLS to the plain port */
    *status = 400;
    return put(to, "\\x16\\x03\\x01\\x02");
  }
  if (kind < 8) { /* connected, said nothing */
    *status = 408;
    return put(to, "-");
  }
  to = put(to, kind < 9200 ? "GET " : kind < 9700 ? "POST " : "HEAD ");
  to = put(to, paths[rank]);
  if (kind % 16 == 0) {
    to = put(to, "?page=");
    to = put_number(to, below(40));
    if (kind % 64 == 0)
      to = put(to, "&q=\\\"exact+phrase\\\"");
  }
  return put(to, kind % 3 == 0 ? " HTTP/2.0" : " HTTP/1.1");
}

static char *put_line(char *to, const char *when) {
  uint32_t rank = zipf_draw(&path_ranks);
  uint32_t status = pick_status();
  to = put(to, clients[zipf_draw(&client_ranks)]);
  to = put(to, below(200) == 0 ? " - anna [" : " - - [");
  to = put(to, when);
  to = put(to, "] \"");
  to = put_request(to, rank, &status);
  to = put(to, "\" ");
  to = put_number(to, status);
  *to++ = ' ';
  if (status == 304)
    *to++ = '-';
  else if (status == 200)
    to = put_number(to, path_sizes[rank]);
  else
    to = put_number(to, 150 + below(400));
  to = put(to, " \"");
  to = put(to, referers[below(COUNT(referers))]);
  to = put(to, "\" \"");
  to = put(to, agents[below(COUNT(agents))]);
  return put(to, "\"\n");
}

/* What ends up in logs that are rotated while written, or were never logs. */
static char *put_malformed(char *to, const char *when) {
  switch (below(6)) {
  case 0: /* cut off before the request, as by a full disk */
    put_line(to, when);
    to += 1 + below(40);
    *to++ = '\n';
    return to;
  case 1: /* binary; a random newline would make it two lines */
    for (uint32_t left = 20 + below(100); left > 0; left--) {
      char byte = (char)below(256);
      *to++ = (char)(byte == '\n' ? '\t' : byte);
    }
    *to++ = '\n';
    return to;
  case 2:
    return put(to, "PANIC: runtime error: index out of range [7]\n");
  case 3: /* no such day */
    to = put(to, clients[0]);
    return put(
        to, " - - [30/Feb/2025:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5\n");
  case 4: /* no such status */
    to = put(to, clients[1]);
    to = put(to, " - - [");
    to = put(to, when);
    return put(to, "] \"GET / HTTP/1.1\" 999 12 \"-\" \"-\"\n");
  default: /* the quote never closes */
    to = put(to, clients[2]);
    to = put(to, " - - [");
    to = put(to, when);
    return put(to, "] \"GET /unfinished\\\" 200 12\n");
  }
}

static void prepare(uint64_t seed) {
  random_state = seed;
  zipf_prepare(&path_ranks, PATHS);
  zipf_prepare(&client_ranks, CLIENTS);
  for (uint32_t i = 0; i < PATHS; i++) {
    make_path(paths[i], i);
    uint32_t base = 200 + below(1800);
    path_sizes[i] = base << below(8);
  }
  for (uint32_t i = 0; i < CLIENTS; i++)
    make_client(clients[i]);
}

/* ------------------------------------------------------------------ the run */

typedef struct plan {
  uint64_t size;  /* stop after the line that reaches it; 0: no limit */
  uint64_t lines; /* stop after so many; 0: no limit */
  uint64_t seed;
  uint64_t malformed; /* per thousand lines */
  uint64_t days;
  const char *output;
} plan;

/* Returns 0, or errno of the write that failed. */
static int write_log(FILE *file, const plan *it) {
  static char buffer[BUFFER + LINE_MAX_BYTES];
  char *to = buffer;
  uint64_t lines = 0, written = 0;
  uint64_t expected = it->lines != 0 ? it->lines : it->size / MEAN_LINE + 1;
  uint64_t seconds = it->days * DAY;
  uint64_t credit = 0; /* lines owed, in units of 1 / (1000 * seconds) */

  for (uint64_t second = 0;; second++) {
    /* Some are written late: servers log a request when it is done. */
    char now[32], late[32];
    format_time(now, sizeof now, second);
    format_time(late, sizeof late, second < 3 ? second : second - 3);
    /* Half to one and a half times what the hour asks for. */
    credit += expected * rate_at(second) * (512 + below(1024)) / 1024;
    for (; credit >= 1000 * seconds; credit -= 1000 * seconds) {
      if ((it->lines != 0 && lines == it->lines) ||
          (it->size != 0 && written + (uint64_t)(to - buffer) >= it->size)) {
        fwrite(buffer, 1, (size_t)(to - buffer), file);
        return fflush(file) != 0 || ferror(file) ? errno : 0;
      }
      const char *stamp = below(20) == 0 ? late : now;
      to = below(1000) < it->malformed ? put_malformed(to, stamp)
                                       : put_line(to, stamp);
      lines++;
      if (to - buffer >= BUFFER) {
        size_t count = (size_t)(to - buffer);
        if (fwrite(buffer, 1, count, file) != count)
          return errno;
        written += count;
        to = buffer;
      }
    }
  }
}

static void help(void) {
  puts("Usage: " PROGRAM " (--size SIZE | --lines N) [OPTION]...\n"
       "Write a made-up web access log in combined format.\n"
       "\n"
       "  --size SIZE      at least SIZE bytes, ending with a whole line;\n"
       "                   K, M and G are powers of 1024\n"
       "  --lines N        N lines\n"
       "  --seed N         another seed, another log (default 1)\n"
       "  --malformed N    per thousand lines, N are no log lines (default 1)\n"
       "  --days N         spread over about N days (default 1)\n"
       "  --output FILE    write there instead of to standard output\n"
       "  --help           print this\n"
       "\n"
       "The same options give the same bytes everywhere. Exit status: 0, 1 if\n"
       "the log could not be written, 2 if the command line is wrong.");
}

static _Noreturn void misuse(const char *what, const char *value) {
  fprintf(
      stderr, PROGRAM ": %s%s%s\nTry '" PROGRAM " --help'.\n", what,
      value != NULL ? ": " : "", value != NULL ? value : "");
  exit(2);
}

static uint64_t number(const char *option, const char *text, uint64_t most) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  unsigned shift = 0;
  if (most == UINT64_MAX >> 8 && *end != '\0' && end[1] == '\0') {
    const char *units = "KMG", *unit = strchr(units, *end);
    if (unit != NULL) {
      shift = 10 * (unsigned)(unit - units + 1);
      end++;
    }
  }
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
      value > most >> shift) {
    char what[64];
    snprintf(what, sizeof what, "not a number that suits %s", option);
    misuse(what, text);
  }
  return (uint64_t)value << shift;
}

int main(int argc, char **argv) {
  plan it = {.seed = 1, .malformed = 1, .days = 1};
  for (int i = 1; i < argc; i++) {
    const char *option = argv[i];
    if (strcmp(option, "--help") == 0) {
      help();
      return fflush(stdout) != 0;
    }
    if (strncmp(option, "--", 2) != 0)
      misuse("not an option", option);
    const char *value = argv[++i];
    if (value == NULL)
      misuse("unknown, or without its value", option);
    if (strcmp(option, "--size") == 0)
      it.size = number(option, value, UINT64_MAX >> 8);
    else if (strcmp(option, "--lines") == 0)
      it.lines = number(option, value, UINT32_MAX);
    else if (strcmp(option, "--seed") == 0)
      it.seed = number(option, value, UINT64_MAX);
    else if (strcmp(option, "--malformed") == 0)
      it.malformed = number(option, value, 1000);
    else if (strcmp(option, "--days") == 0)
      it.days = number(option, value, 10000);
    else if (strcmp(option, "--output") == 0)
      it.output = value;
    else
      misuse("unknown option", option);
  }
  if ((it.size == 0) == (it.lines == 0))
    misuse("give either --size or --lines, of at least 1", NULL);
  if (it.days == 0)
    misuse("--days must be at least 1", NULL);

  FILE *file = stdout;
  if (it.output != NULL && (file = fopen(it.output, "wb")) == NULL) {
    fprintf(stderr, PROGRAM ": %s: %s\n", it.output, strerror(errno));
    return 1;
  }
  prepare(it.seed);
  int error = write_log(file, &it);
  if (fclose(file) != 0 && error == 0)
    error = errno;
  if (error != 0) {
    fprintf(
        stderr, PROGRAM ": %s: %s\n",
        it.output != NULL ? it.output : "standard output", strerror(error));
    return 1;
  }
  return 0;
}
