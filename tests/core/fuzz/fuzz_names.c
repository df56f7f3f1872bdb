/* Names of secrets: any bytes, in time linear in their length, and the same verdict every time. */
#include "fuzz.h"
#include "redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source from = {data, size};
    bool stretched = take8(&from) >= STRETCHED;
    char *name = exact_copy(from.at, from.left);
    memory_begin(0);
    bool secret = scope_secret_name(name, from.left);
    HOLDS(secret == scope_secret_name(name, from.left), "two verdicts");
    if (stretched && from.left)
        scope_secret_name(stretch(&from), STRETCH);
    memory_end();
    free(name);
    return 0;
}
