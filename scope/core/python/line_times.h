/* The lines of one call that ran: how often each began, and how long it was until the next one did. */
#ifndef SCOPE_LINE_TIMES_H
#define SCOPE_LINE_TIMES_H

#include "runtime.h"

/* Of a function so many lines from its first on are told apart; the runs of later ones are counted. */
#define SCOPE_LINES_MAX 512

typedef struct scope_line_times scope_line_times;

/* For a function whose first line is `first`; NULL where memory is short (no exception set). */
scope_line_times *scope_lines_new(uint32_t first);

/* Line `line` begins, and what ran before it ends. */
void scope_lines_at(scope_line_times *lines, uint32_t line);

/* What ran ends: the function is suspended, or over. It goes on with the next line, or at scope_lines_resume(). */
void scope_lines_stop(scope_line_times *lines);
void scope_lines_resume(scope_line_times *lines);

/* Writes them for span `span` of `request`. */
void scope_record_lines(scope_line_times *lines, const RequestObject *request, uint32_t span);

void scope_lines_free(scope_line_times *lines);

#endif
