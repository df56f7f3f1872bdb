/* Preloaded into a process, kills it at the k-th call that changes a file: before it is carried out, or, for a write, when half
 * of it is done.
 *
 * Counted is what reaches regular files, by whatever library: SQLite's writes, the interpreter's, ours; and each store to
 * shared memory where the extension is a build that counts those (counted.h).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int64_t left; /* calls until the kill; 0: nobody is to be killed */
static _Atomic int64_t seen; /* calls since the process was armed */
static bool half;

void scope_killer_arm(int64_t k, int by_halves);
int64_t scope_killer_seen(void);
void scope_crash_step(void);

void scope_killer_arm(int64_t k, int by_halves)
{
    half = by_halves;
    seen = 0;
    left = k;
}

int64_t scope_killer_seen(void)
{
    return seen;
}

/* For a program that is started with this library: KILLER_K, and KILLER_HALF where it is set. */
__attribute__((constructor)) static void arm_by_environment(void)
{
    const char *k = getenv("KILLER_K");
    if (k)
        scope_killer_arm(strtoll(k, NULL, 10), getenv("KILLER_HALF") != NULL);
}

/* Whether this call is the one. */
static bool is_due(void)
{
    seen++;
    return left > 0 && --left == 0;
}

static void die_here(void)
{
    kill(getpid(), SIGKILL);
}

void scope_crash_step(void)
{
    if (is_due())
        die_here();
}

static bool is_file(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

/* The function that would have been called without this library. */
#define REAL(type, name, ...)                                                                                          \
    static type (*real)(__VA_ARGS__);                                                                                  \
    if (!real)                                                                                                         \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define COUNT_WRITE(name, offset_type)                                                                                 \
    ssize_t name(int fd, const void *bytes, size_t size, offset_type offset);                                          \
    ssize_t name(int fd, const void *bytes, size_t size, offset_type offset)                                           \
    {                                                                                                                  \
        REAL(ssize_t, name, int, const void *, size_t, offset_type);                                                   \
        if (is_file(fd) && is_due()) {                                                                                 \
            if (half)                                                                                                  \
                real(fd, bytes, size / 2, offset);                                                                     \
            die_here();                                                                                                \
        }                                                                                                              \
        return real(fd, bytes, size, offset);                                                                          \
    }

#define COUNT_OF_FILE(name, parameters, types, arguments)                                                              \
    int name parameters;                                                                                               \
    int name parameters                                                                                                \
    {                                                                                                                  \
        REAL(int, name, types);                                                                                        \
        if (is_file(fd))                                                                                               \
            scope_crash_step();                                                                                        \
        return real arguments;                                                                                         \
    }

#define COUNT_OF_NAME(name, parameters, types, arguments)                                                              \
    int name parameters;                                                                                               \
    int name parameters                                                                                                \
    {                                                                                                                  \
        REAL(int, name, types);                                                                                        \
        scope_crash_step();                                                                                            \
        return real arguments;                                                                                         \
    }

#define COUNT_OPEN(name)                                                                                               \
    int name(const char *path, int flags, ...);                                                                        \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        REAL(int, name, const char *, int, ...);                                                                       \
        va_list further;                                                                                               \
        va_start(further, flags);                                                                                      \
        mode_t mode = flags & O_CREAT ? va_arg(further, mode_t) : 0;                                                   \
        va_end(further);                                                                                               \
        if (flags & (O_CREAT | O_TRUNC))                                                                               \
            scope_crash_step();                                                                                        \
        return real(path, flags, mode);                                                                                \
    }

#define PAIR(...) __VA_ARGS__

COUNT_WRITE(pwrite, off_t)
COUNT_WRITE(pwrite64, off64_t)
COUNT_OF_FILE(ftruncate, (int fd, off_t length), PAIR(int, off_t), (fd, length))
COUNT_OF_FILE(ftruncate64, (int fd, off64_t length), PAIR(int, off64_t), (fd, length))
COUNT_OF_FILE(fallocate, (int fd, int mode, off_t at, off_t length), PAIR(int, int, off_t, off_t), (fd, mode, at, length))
COUNT_OF_FILE(fsync, (int fd), PAIR(int), (fd))
COUNT_OF_FILE(fdatasync, (int fd), PAIR(int), (fd))
COUNT_OF_NAME(unlink, (const char *path), PAIR(const char *), (path))
COUNT_OF_NAME(unlinkat, (int at, const char *path, int flags), PAIR(int, const char *, int), (at, path, flags))
COUNT_OF_NAME(mkdir, (const char *path, mode_t mode), PAIR(const char *, mode_t), (path, mode))
COUNT_OF_NAME(rename, (const char *old, const char *new), PAIR(const char *, const char *), (old, new))
COUNT_OF_NAME(renameat, (int from, const char *old, int to, const char *new), PAIR(int, const char *, int, const char *),
              (from, old, to, new))
COUNT_OPEN(open)
COUNT_OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t size)
{
    REAL(ssize_t, write, int, const void *, size_t);
    if (is_file(fd) && is_due()) {
        if (half)
            real(fd, bytes, size / 2);
        die_here();
    }
    return real(fd, bytes, size);
}
