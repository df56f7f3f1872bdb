/* Routes as people write them: `/checkout/{id}`, and with `*` for any text. */
#ifndef SCOPE_TEMPLATE_H
#define SCOPE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `text` is what `pattern` says: `*` is any text; every other byte, braces too, is itself. */
bool scope_template_names(const char *pattern, const char *text);

/* Whether a request of path `path` may come to be routed by `pattern`: besides, `{name}` is any text that is not empty and
 * has no slash. Takes steps in number of the product of their lengths, of the square of the path's where both kinds occur;
 * so a path of more than SCOPE_TEMPLATE_PATH bytes never is. */
bool scope_template_fits(const char *pattern, const char *path, size_t size);

#define SCOPE_TEMPLATE_PATH 512

#endif
