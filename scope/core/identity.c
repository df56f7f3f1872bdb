/* Reads /proc for what makes a process unique on its host. */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ids.h"

int scope_random_seed(scope_random *random)
{
    ssize_t got;
    do
        got = getrandom(random, sizeof *random, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *random ? 0 : -1;
}

/* Reads a small file whole and terminates it; its length, or -1 with errno set. */
static ssize_t read_small(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, buffer, size - 1);
    int saved = errno;
    close(fd);
    errno = saved;
    if (got >= 0)
        buffer[got] = 0;
    return got;
}

/* State letter and start time from /proc/PID/stat; the name in parentheses may hold anything, so count from its end. */
static int read_stat(uint64_t pid, char *state, uint64_t *start_ticks)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/stat", pid);
    if (read_small(path, text, sizeof text) <= 0)
        return -1;
    char *field = strrchr(text, ')');
    if (!field || !field[1])
        return -1;
    *state = field[2];
    field++;
    for (int number = 3; number < 22; number++) {
        field = strchr(field + 1, ' ');
        if (!field)
            return -1;
    }
    *start_ticks = strtoull(field + 1, NULL, 10);
    return 0;
}

static int read_boot_id(uint8_t boot_id[16])
{
    char text[64];
    if (read_small("/proc/sys/kernel/random/boot_id", text, sizeof text) < 36)
        return -1;
    int filled = 0;
    for (const char *at = text; filled < 16 && *at; at++) {
        unsigned byte;
        if (*at == '-')
            continue;
        if (sscanf(at, "%2x", &byte) != 1)
            return -1;
        boot_id[filled++] = (uint8_t)byte;
        at++;
    }
    return filled == 16 ? 0 : -1;
}

int scope_identity_self(scope_identity *identity)
{
    struct stat namespace;
    char state;
    memset(identity, 0, sizeof *identity);
    identity->pid = (uint64_t)getpid();
    if (stat("/proc/self/ns/pid", &namespace) == 0)
        identity->pid_namespace = namespace.st_ino;
    if (read_stat(identity->pid, &state, &identity->start_ticks) < 0)
        return -1;
    return read_boot_id(identity->boot_id);
}

bool scope_identity_alive(const scope_identity *identity)
{
    scope_identity self;
    if (scope_identity_self(&self) < 0)
        return true;
    if (memcmp(self.boot_id, identity->boot_id, sizeof self.boot_id) != 0)
        return false;
    if (self.pid_namespace != identity->pid_namespace)
        return true;
    char state;
    uint64_t start_ticks;
    errno = 0;
    if (read_stat(identity->pid, &state, &start_ticks) < 0)
        return errno != ENOENT && errno != ESRCH;
    return start_ticks == identity->start_ticks && state != 'Z' && state != 'X';
}
