/* Keys that are told by their well-known prefixes, and the addresses of webhooks, which are as good as keys. */
#include "redact_scan.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A key is `behind`, the anchor, `ahead`, and then at least `min` bytes of `classes`; `exact` if no more may follow. */
typedef struct {
    char anchor;
    const char *behind;
    uint8_t behind_size;
    const char *ahead;
    uint8_t ahead_size;
    uint8_t classes;
    uint8_t min;
    bool exact;
} key_shape;

#define KEY(behind, anchor, ahead, classes, min, exact) \
    {anchor, behind, sizeof behind - 1, ahead, sizeof ahead - 1, classes, min, exact}

static const key_shape KEYS[] = {
    KEY("ghp", '_', "", SCOPE_CLASS_ALNUM, 20, false), /* GitHub */
    KEY("gho", '_', "", SCOPE_CLASS_ALNUM, 20, false),
    KEY("ghu", '_', "", SCOPE_CLASS_ALNUM, 20, false),
    KEY("ghs", '_', "", SCOPE_CLASS_ALNUM, 20, false),
    KEY("ghr", '_', "", SCOPE_CLASS_ALNUM, 20, false),
    KEY("github_pat", '_', "", SCOPE_CLASS_BASE64URL, 20, false),
    KEY("sk_live", '_', "", SCOPE_CLASS_BASE64URL, 10, false), /* Stripe */
    KEY("rk_live", '_', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("sk_test", '_', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("rk_test", '_', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("whsec", '_', "", SCOPE_CLASS_BASE64URL | SCOPE_CLASS_TOKEN, 20, false),
    KEY("npm", '_', "", SCOPE_CLASS_ALNUM, 30, false),
    KEY("hf", '_', "", SCOPE_CLASS_ALNUM, 30, false), /* Hugging Face */
    KEY("sk", '-', "ant-", SCOPE_CLASS_BASE64URL, 12, false), /* Anthropic */
    KEY("sk", '-', "proj-", SCOPE_CLASS_BASE64URL, 12, false), /* OpenAI */
    KEY("sk", '-', "svcacct-", SCOPE_CLASS_BASE64URL, 12, false),
    KEY("sk", '-', "", SCOPE_CLASS_ALNUM, 32, false),
    KEY("xoxa", '-', "", SCOPE_CLASS_BASE64URL, 10, false), /* Slack */
    KEY("xoxb", '-', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("xoxp", '-', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("xoxr", '-', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("xoxs", '-', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("glpat", '-', "", SCOPE_CLASS_BASE64URL | SCOPE_CLASS_TOKEN, 16, false), /* GitLab */
    KEY("glptt", '-', "", SCOPE_CLASS_ALNUM, 20, false),
    KEY("gldt", '-', "", SCOPE_CLASS_BASE64URL, 20, false),
    KEY("glrt", '-', "", SCOPE_CLASS_BASE64URL, 20, false),
    KEY("pypi", '-', "", SCOPE_CLASS_BASE64URL, 32, false),
    KEY("AK", 'I', "A", SCOPE_CLASS_ALNUM, 16, true), /* AWS */
    KEY("AS", 'I', "A", SCOPE_CLASS_ALNUM, 16, true),
    KEY("A", 'I', "za", SCOPE_CLASS_BASE64URL, 30, false), /* Google */
    KEY("GOCSPX", '-', "", SCOPE_CLASS_BASE64URL, 20, false),
    KEY("ya29", '.', "", SCOPE_CLASS_BASE64URL | SCOPE_CLASS_TOKEN, 20, false),
    KEY("xapp", '-', "", SCOPE_CLASS_BASE64URL, 10, false), /* Slack */
    KEY("xoxe", '-', "", SCOPE_CLASS_BASE64URL, 10, false),
    KEY("xai", '-', "", SCOPE_CLASS_ALNUM, 40, false),
    KEY("gsk", '_', "", SCOPE_CLASS_ALNUM, 40, false), /* Groq */
    KEY("SG", '.', "", SCOPE_CLASS_BASE64URL | SCOPE_CLASS_TOKEN, 40, false), /* SendGrid */
    KEY("hvs", '.', "", SCOPE_CLASS_BASE64URL, 20, false), /* Vault */
    KEY("shpat", '_', "", SCOPE_CLASS_ALNUM, 32, false), /* Shopify */
    KEY("shpss", '_', "", SCOPE_CLASS_ALNUM, 32, false),
    KEY("shpca", '_', "", SCOPE_CLASS_ALNUM, 32, false),
    KEY("sq0atp", '-', "", SCOPE_CLASS_BASE64URL, 20, false), /* Square */
    KEY("sq0csp", '-', "", SCOPE_CLASS_BASE64URL, 20, false),
    KEY("dop_v1", '_', "", SCOPE_CLASS_ALNUM, 40, false), /* DigitalOcean */
    KEY("doo_v1", '_', "", SCOPE_CLASS_ALNUM, 40, false),
    KEY("dckr_pat", '_', "", SCOPE_CLASS_BASE64URL, 20, false), /* Docker */
    KEY("lin_api", '_', "", SCOPE_CLASS_ALNUM, 32, false), /* Linear */
    KEY("figd", '_', "", SCOPE_CLASS_BASE64URL, 30, false), /* Figma */
    KEY("rubygems", '_', "", SCOPE_CLASS_ALNUM, 32, false),
    KEY("sntrys", '_', "", SCOPE_CLASS_BASE64URL | SCOPE_CLASS_TOKEN, 40, false), /* Sentry */
    KEY("AGE-SECRET-KEY", '-', "", SCOPE_CLASS_ALNUM, 40, false),
};

#define SHORTEST_KEY 10 /* bytes after the anchor */

static bool is_behind(const scope_scan *scan, const char *word, size_t size)
{
    if (size > scan->written || memcmp(scan->text + scan->written - size, word, size) != 0)
        return false;
    return size == scan->written || !scope_is_alnum(scan->text[scan->written - size - 1]);
}

bool scope_redact_key(scope_scan *scan)
{
    char anchor = scope_ahead(scan, 0), nearest = scope_behind(scan, 1);
    if (scan->length - scan->read < SHORTEST_KEY || !scope_is_alnum(nearest))
        return false;
    for (size_t index = 0; index < COUNT(KEYS); index++) {
        const key_shape *key = &KEYS[index];
        if (key->anchor != anchor || key->behind[key->behind_size - 1] != nearest
            || !is_behind(scan, key->behind, key->behind_size) || !scope_is_ahead(scan, 1, key->ahead))
            continue;
        size_t start = scan->read + 1 + key->ahead_size;
        size_t end = scope_run_end(scan, start, key->classes);
        if (end - start >= key->min && !(key->exact && end - start > key->min)) {
            scope_hide(scan, key->behind_size, end);
            return true;
        }
    }
    return false;
}

/* --- webhooks ------------------------------------------------------------------------------------------------------- */

/* Whoever knows the address may post: its path is hidden, up to the end of the address. */
bool scope_redact_webhook(scope_scan *scan)
{
    static const char *const hooks[] = {"//hooks.slack.com/services/", "//discord.com/api/webhooks/",
                                        "//discordapp.com/api/webhooks/", "//api.telegram.org/bot"};
    for (size_t index = 0; index < COUNT(hooks); index++) {
        if (!scope_is_ahead(scan, 1, hooks[index]))
            continue;
        size_t start = scan->read + 1 + strlen(hooks[index]), end = start;
        while (end < scan->length && (scope_class(scan->text[end]) || scan->text[end] == ':'))
            end++;
        scope_keep(scan, start);
        scope_hide(scan, 0, end);
        return true;
    }
    return false;
}
