/* The first byte of an encoded value: docs/design/wire.md tells what follows it. */
#ifndef SCOPE_VALUE_TAGS_H
#define SCOPE_VALUE_TAGS_H

#define SCOPE_MAX_DEPTH 4 /* lists, maps and objects within each other */

enum scope_tag {
    SCOPE_TAG_NULL,
    SCOPE_TAG_FALSE,
    SCOPE_TAG_TRUE,
    SCOPE_TAG_INT,
    SCOPE_TAG_FLOAT,
    SCOPE_TAG_TEXT,
    SCOPE_TAG_BYTES,
    SCOPE_TAG_LIST,
    SCOPE_TAG_CUT,
    SCOPE_TAG_REDACTED,
    SCOPE_TAG_OBJECT,
    SCOPE_TAG_MAP,
    SCOPE_TAG_BIG_INT,
    SCOPE_TAG_PART,
    SCOPE_TAG_INSTANCE,
};

#endif
