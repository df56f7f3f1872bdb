/* Inbound headers: whatever a caller sends is refused, or is just what was sent. */
#include "fuzz.h"
#include "inbound.h"

static void check_traceparent(const char *text, size_t length)
{
    scope_traceparent parent;
    char written[32];
    if (!scope_parse_traceparent(text, length, &parent))
        return;
    scope_write_hex(written, parent.trace_id, sizeof parent.trace_id);
    HOLDS(memcmp(written, text + 3, 32) == 0, "trace id %.32s of %.55s", written, text);
    scope_write_hex64(written, parent.parent_id);
    HOLDS(memcmp(written, text + 36, 16) == 0 && parent.parent_id, "parent id %.16s of %.55s", written, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = exact_copy(data, size);
    memory_begin(0);
    check_traceparent(text, size);
    if (scope_valid_request_id(text, size)) {
        HOLDS(size <= SCOPE_REQUEST_ID_MAX, "%zu bytes", size);
        for (size_t at = 0; at < size; at++)
            HOLDS(text[at] > ' ' && text[at] < 0x7F && !strchr("\"'<>&%;\\`$|*?", text[at]), "character %d", text[at]);
    }
    if (scope_valid_tracestate(text, size))
        HOLDS(size <= SCOPE_TRACESTATE_MAX, "%zu bytes", size);
    memory_end();
    free(text);
    return 0;
}
