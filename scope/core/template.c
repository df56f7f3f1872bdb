/* Matching by going back to the last wildcard: what is between two stars may as well be found as far to the left as it is,
 * because the second star takes whatever follows. The same holds of two placeholders within one segment, and a placeholder
 * never reaches beyond its segment. So of each kind only the last one met can have to take more. */
#include "template.h"

#include <string.h>

typedef struct {
    const char *pattern; /* behind the wildcard; NULL: there is none */
    const char *text; /* where what it took ends */
} wildcard;

/* What follows a placeholder at `pattern`; NULL where there is none. */
static const char *behind_placeholder(const char *pattern)
{
    const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
    return end ? end + 1 : NULL;
}

static bool is_in_segment(const char *text)
{
    return *text && *text != '/';
}

/* Lets the last wildcard take one byte more. False where none can. */
static bool go_back(wildcard *placeholder, wildcard *star, const char **pattern, const char **text)
{
    if (placeholder->pattern && is_in_segment(placeholder->text)) {
        *pattern = placeholder->pattern;
        *text = ++placeholder->text;
        return true;
    }
    placeholder->pattern = NULL;
    if (!star->pattern || !*star->text)
        return false;
    *pattern = star->pattern;
    *text = ++star->text;
    return true;
}

static bool matches(const char *pattern, const char *text, bool has_placeholders)
{
    wildcard star = {NULL, NULL}, placeholder = {NULL, NULL};
    while (*pattern || *text) {
        const char *behind = has_placeholders ? behind_placeholder(pattern) : NULL;
        if (*pattern == '*') {
            star = (wildcard){++pattern, text};
            placeholder.pattern = NULL;
        } else if (behind && is_in_segment(text)) {
            placeholder = (wildcard){pattern = behind, ++text};
        } else if (!behind && *pattern && *pattern == *text) {
            pattern++;
            text++;
        } else if (!go_back(&placeholder, &star, &pattern, &text)) {
            return false;
        }
    }
    return true;
}

bool scope_template_names(const char *pattern, const char *text)
{
    return matches(pattern, text, false);
}

bool scope_template_fits(const char *pattern, const char *path, size_t size)
{
    return size <= SCOPE_TEMPLATE_PATH && matches(pattern, path, true);
}
