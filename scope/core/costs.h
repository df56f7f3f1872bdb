/* What recording has cost the traced process: by the type of each record, from a table that somebody measured.
 *
 * A record stands for all that is done to come by it, in picoseconds: so much for one with the shortest payload of its type,
 * and so much for each further word of payload. What leaves no record of its own is told by records that count it: messages
 * of the exchange by REQUEST_END, calls that were held back by LEDGER.
 */
#ifndef SCOPE_COSTS_H
#define SCOPE_COSTS_H

#include "record.h"

typedef struct {
    uint32_t event_ps, word_ps;
} scope_cost;

/* Rows of the table that are of no type of event. */
enum { SCOPE_COST_HELD_BACK = 0x00, SCOPE_COST_MESSAGE = 0x01 };

typedef struct {
    scope_cost of[256];
} scope_costs;

/* Counts that the table is multiplied with are cut here: no request of an honest process has more. */
#define SCOPE_COST_COUNT_MAX (UINT64_C(1) << 31)

static inline uint64_t scope_cost_times(const scope_costs *costs, int row, uint64_t count)
{
    return costs->of[row].event_ps * (count < SCOPE_COST_COUNT_MAX ? count : SCOPE_COST_COUNT_MAX);
}

/* Sums of costs in picoseconds: of all; of that, what a governor can leave out; of that, the values of functions. */
typedef struct {
    uint64_t all_ps, detail_ps, values_ps;
} scope_cost_sums;

/* Records of what a function was given, had and gave back. */
enum { SCOPE_VALUES_FIRST = 0x25, SCOPE_VALUES_LAST = 0x2F };

/* Adds what an event has cost; nothing where it is too short for its type, or that is unknown. */
static inline void scope_cost_add(scope_cost_sums *sums, const scope_costs *costs, const uint8_t *record, uint64_t words)
{
    uint8_t type = scope_header_type(scope_load64(record));
    uint64_t least = scope_event_words(type);
    if (least == 0 || words < least)
        return;
    uint64_t cost_ps = costs->of[type].event_ps + costs->of[type].word_ps * (words - least);
    bool is_values = type >= SCOPE_VALUES_FIRST && type <= SCOPE_VALUES_LAST;
    bool is_detail = is_values || type == SCOPE_FUNCTION_ENTER || type == SCOPE_FUNCTION_EXIT;
    sums->all_ps += cost_ps;
    sums->detail_ps += is_detail ? cost_ps : 0;
    sums->values_ps += is_values ? cost_ps : 0;
    if (type == SCOPE_REQUEST_END)
        sums->all_ps += scope_cost_times(costs, SCOPE_COST_MESSAGE, scope_load64(record + SCOPE_END_MESSAGES_IN))
                        + scope_cost_times(costs, SCOPE_COST_MESSAGE, scope_load64(record + SCOPE_END_MESSAGES_OUT));
    if (type == SCOPE_LEDGER) {
        uint64_t held_back_ps = scope_cost_times(costs, SCOPE_COST_HELD_BACK, scope_load64(record + SCOPE_LEDGER_HELD_BACK));
        sums->all_ps += held_back_ps;
        sums->detail_ps += held_back_ps;
    }
}

#endif
