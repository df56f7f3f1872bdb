/* Which process is that, and does it still live? A pid alone is reused; pid, start time and boot id are not. */
#ifndef SCOPE_IDENTITY_H
#define SCOPE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t pid;
    uint64_t start_ticks; /* clock ticks between boot and start of the process */
    uint64_t pid_namespace; /* inode of the namespace in which pid counts */
    uint8_t boot_id[16];
} scope_identity;

/* The calling process; 0, or -1 with errno set. */
int scope_identity_self(scope_identity *identity);

/* False only where the process is proven dead: gone, a zombie, reused by another, or of an earlier boot. In a pid namespace
 * that is not ours nothing can be proven, so the answer is true. */
bool scope_identity_alive(const scope_identity *identity);

#endif
