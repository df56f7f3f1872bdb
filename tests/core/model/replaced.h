/* What scope/core/shared.h gets in place of its own operations: functions of the model's machine.
 *
 * The reader looks at its copies through scope_load64(), which is replaced as well: that is where it is decided which of
 * the messages in reach a copied word was.
 */
#ifndef MODEL_REPLACED_H
#define MODEL_REPLACED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "record.h"

typedef _Atomic uint64_t scope_word;
typedef _Atomic uint32_t scope_futex;

uint64_t model_examine(const uint8_t *at);
#define scope_load64(at) model_examine(at)

uint64_t scope_load_relaxed(const scope_word *at);
uint64_t scope_load_acquire(const scope_word *at);
uint32_t scope_load_relaxed32(const _Atomic uint32_t *at);
uint32_t scope_load_acquire32(const _Atomic uint32_t *at);
void scope_store_relaxed(scope_word *at, uint64_t value);
void scope_store_release(scope_word *at, uint64_t value);
void scope_store_relaxed32(_Atomic uint32_t *at, uint32_t value);
void scope_store_release32(_Atomic uint32_t *at, uint32_t value);
void scope_add_relaxed(scope_word *at, uint64_t addend);
bool scope_replace_acquire(scope_word *at, uint64_t expected, uint64_t value);
void scope_fence_acquire(void);
void scope_fence_release(void);
void scope_fence_full(void);
bool scope_futex_wait(scope_futex *at, uint32_t expected, uint64_t deadline_ns);
void scope_futex_wake(scope_futex *at);

#endif
