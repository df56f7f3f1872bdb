/* Lets calls of the C library fail, or last: preloaded into a process that has a page in common with its test.
 *
 * FAULTS names the page's file, FAULTS_UNDER a directory: only calls about files below it are counted and touched. The
 * page's words are 64-bit: errno (0: nothing fails), the mask of functions that fail, the number of the first call that
 * does, how many do, a delay in microseconds of each; from word 8 on the calls of each function since the test set them
 * to zero.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum function { OPEN, PWRITE, WRITE, FSYNC, FDATASYNC, FTRUNCATE, FALLOCATE, MMAP, RENAME, UNLINK, MKDIR, PREAD, FUNCTIONS };
enum word { ERRNO, MASK, FIRST, COUNT, DELAY_US, CALLS = 8 };

static volatile int64_t *page;
static const char *under;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS");
    under = getenv("FAULTS_UNDER");
    int fd = path && under ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *base = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    page = base == MAP_FAILED ? NULL : base;
    close(fd);
}

static bool concerns(const char *path)
{
    return page && path && strncmp(path, under, strlen(under)) == 0;
}

static bool concerns_fd(int fd)
{
    char link[64], path[PATH_MAX];
    if (!page || fd < 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return false;
    path[length] = 0;
    return concerns(path);
}

/* Whether this call fails; errno is set then. */
static bool fails(enum function function)
{
    int64_t number = __sync_add_and_fetch(&page[CALLS + function], 1);
    if (!(page[MASK] >> function & 1))
        return false;
    if (page[DELAY_US]) {
        struct timespec pause = {page[DELAY_US] / 1000000, page[DELAY_US] % 1000000 * 1000};
        nanosleep(&pause, NULL);
    }
    if (!page[ERRNO] || number < page[FIRST] || number - page[FIRST] >= page[COUNT])
        return false;
    errno = (int)page[ERRNO];
    return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define ON_PATH(function, type, name, parameters, path, arguments) \
    type name parameters                                           \
    {                                                              \
        if (concerns(path) && fails(function))                     \
            return -1;                                             \
        return REAL(name) arguments;                               \
    }

#define ON_FILE(function, type, name, parameters, failed, arguments) \
    type name parameters                                             \
    {                                                                \
        if (concerns_fd(fd) && fails(function))                      \
            return (type)(failed);                                   \
        return REAL(name) arguments;                                 \
    }

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPENS(name)                                       \
    int name(const char *path, int flags, ...)            \
    {                                                     \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode_t mode = mode_of(flags, rest);               \
        va_end(rest);                                     \
        if (concerns(path) && fails(OPEN))                \
            return -1;                                    \
        return REAL(name)(path, flags, mode);             \
    }

#define OPENS_AT(name)                                    \
    int name(int fd, const char *path, int flags, ...)    \
    {                                                     \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode_t mode = mode_of(flags, rest);               \
        va_end(rest);                                     \
        if (concerns(path) && fails(OPEN))                \
            return -1;                                    \
        return REAL(name)(fd, path, flags, mode);         \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
ON_FILE(PWRITE, ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), -1, (fd, from, size, at))
ON_FILE(PWRITE, ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), -1, (fd, from, size, at))
ON_FILE(PREAD, ssize_t, pread, (int fd, void *to, size_t size, off_t at), -1, (fd, to, size, at))
ON_FILE(PREAD, ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), -1, (fd, to, size, at))
ON_FILE(WRITE, ssize_t, write, (int fd, const void *from, size_t size), -1, (fd, from, size))
ON_FILE(FSYNC, int, fsync, (int fd), -1, (fd))
ON_FILE(FDATASYNC, int, fdatasync, (int fd), -1, (fd))
ON_FILE(FTRUNCATE, int, ftruncate, (int fd, off_t size), -1, (fd, size))
ON_FILE(FTRUNCATE, int, ftruncate64, (int fd, off64_t size), -1, (fd, size))
ON_FILE(FALLOCATE, int, fallocate, (int fd, int mode, off_t at, off_t size), -1, (fd, mode, at, size))
ON_FILE(FALLOCATE, int, fallocate64, (int fd, int mode, off64_t at, off64_t size), -1, (fd, mode, at, size))
ON_FILE(MMAP, void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset), MAP_FAILED,
        (at, size, protection, flags, fd, offset))
ON_FILE(MMAP, void *, mmap64, (void *at, size_t size, int protection, int flags, int fd, off64_t offset), MAP_FAILED,
        (at, size, protection, flags, fd, offset))
ON_PATH(RENAME, int, rename, (const char *path, const char *to), path, (path, to))
ON_PATH(UNLINK, int, unlink, (const char *path), path, (path))
ON_PATH(MKDIR, int, mkdir, (const char *path, mode_t mode), path, (path, mode))
