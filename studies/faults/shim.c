/* A library to be preloaded: the n-th change of a file below a folder meets a full disk or a power cut, and the clock
 * may jump. FAULTS_BELOW: the folder. FAULTS_COUNT: a file of eight bytes, the changes of all processes so far.
 * FAULTS_AT: n. FAULTS_MODE: "full" (from the n-th on, writing below the folder fails), "cut" (the n-th ends the
 * process before it is made, and every later one), "clock" (from the n-th on, the clock is FAULTS_JUMP seconds off).
 * FAULTS_LOG: a file to which every change is written as a line: "W path", "S path bytes" (so much is on disk from here
 * on; of no path, everything is), "N from to" (renamed to a new name) or "R from to" (in place of another). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum mode { NONE, FULL, CUT, CLOCK };
static enum mode mode;
static const char *below;
static uint64_t *count, at;
static int journal = -1;
static time_t jump;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("FAULTS_COUNT"), *how = getenv("FAULTS_MODE"), *log = getenv("FAULTS_LOG");
    below = getenv("FAULTS_BELOW");
    if (!file || !how || !below) return;
    int shared = open(file, O_RDWR);
    if (shared < 0) return;
    void *place = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    close(shared);
    if (place == MAP_FAILED) return;
    if (log) journal = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    at = strtoull(getenv("FAULTS_AT") ? getenv("FAULTS_AT") : "0", NULL, 10);
    jump = (time_t)atol(getenv("FAULTS_JUMP") ? getenv("FAULTS_JUMP") : "0");
    count = place;
    mode = !strcmp(how, "full") ? FULL : !strcmp(how, "cut") ? CUT : !strcmp(how, "clock") ? CLOCK : NONE;
}

static int is_below(const char *path) {
    return below && !strncmp(path, below, strlen(below));
}

static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static void absolute(const char *given, char *path) {
    if (given[0] == '/' || !getcwd(path, PATH_MAX)) snprintf(path, PATH_MAX, "%s", given);
    else snprintf(path + strlen(path), PATH_MAX - strlen(path), "/%s", given);
}

static void note(char what, const char *one, const char *two) {
    char line[2 * PATH_MAX + 8];
    if (journal < 0) return;
    int length = snprintf(line, sizeof line, "%c\t%s\t%s\n", what, one, two);
    REAL(write)(journal, line, length);
}

/* Whether a change may be made. */
static int may(void) {
    if (mode == NONE) return 1;
    uint64_t now = __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    if (mode == CUT && now >= at) raise(SIGKILL);
    if (mode == FULL && now >= at) {
        errno = ENOSPC;
        return 0;
    }
    return 1;
}

#define CHANGE(name, types, given, descriptor)        \
    ssize_t name types {                              \
        char path[PATH_MAX];                          \
        if (count && path_of(descriptor, path)) {     \
            if (!may()) return -1;                    \
            note('W', path, "");                      \
        }                                             \
        return REAL(name) given;                      \
    }

CHANGE(write, (int fd, const void *bytes, size_t n), (fd, bytes, n), fd)
CHANGE(pwrite, (int fd, const void *bytes, size_t n, off_t o), (fd, bytes, n, o), fd)
CHANGE(pwrite64, (int fd, const void *bytes, size_t n, off64_t o), (fd, bytes, n, o), fd)
CHANGE(writev, (int fd, const struct iovec *parts, int n), (fd, parts, n), fd)

static int synced(int descriptor, int code) {
    char path[PATH_MAX], bytes[32];
    struct stat facts;
    if (count && !code && path_of(descriptor, path) && !fstat(descriptor, &facts)) {
        snprintf(bytes, sizeof bytes, "%lld", (long long)facts.st_size);
        note('S', path, bytes);
    }
    return code;
}

int fsync(int fd) { return synced(fd, REAL(fsync)(fd)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)(fd)); }

void sync(void) {
    REAL(sync)();
    if (count) note('S', "", "");
}

int rename(const char *from, const char *to) {
    char one[PATH_MAX], two[PATH_MAX];
    if (count) {
        absolute(from, one);
        absolute(to, two);
        if (is_below(two)) {
            if (mode == CUT && !may()) return -1; /* a full disk renames */
            note(access(two, F_OK) ? 'N' : 'R', one, two);
        }
    }
    return REAL(rename)(from, to);
}

static time_t off(void) {
    return count && mode == CLOCK && __atomic_load_n(count, __ATOMIC_SEQ_CST) >= at ? jump : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int code = REAL(clock_gettime)(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += off();
    return code;
}

time_t time(time_t *into) {
    time_t now = REAL(time)(NULL) + off();
    if (into) *into = now;
    return now;
}

int gettimeofday(struct timeval *now, void *zone) {
    int code = REAL(gettimeofday)(now, zone);
    now->tv_sec += off();
    return code;
}
