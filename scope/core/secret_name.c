/* Which names are those of secrets.
 *
 * A name is brought to words in lower case with one `_` between them. In English the last word of a compound says what the
 * thing is, so a secret is told by how the name ends: `stripe_api_key` by `api_key`. What only describes the form of the
 * thing (`_value`, `_hash`, `_confirmation`, a digit) is taken off the end first; `password_hash` is as good as secret, for
 * hashes are broken. A name whose first word asks or counts (`has_`, `max_`) is no secret's.
 */
#include "redact.h"
#include "redact_scan.h"

#define NAME_MAX_BYTES 64 /* of a longer name the end, where the telling words are */
#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
    GLUED = 1, /* also at the end of a word: "userpassword", "csrfmiddlewaretoken" */
    PLURAL = 2, /* also with an s */
    WHOLE = 4, /* only as the whole name */
    LINE = 8, /* a header that reaches to the end of its line */
};

typedef struct {
    const char *text;
    uint8_t size;
    uint8_t flags;
} ending;

#define ENDING(text, flags) {text, sizeof text - 1, flags}

static const ending ENDINGS[] = {
    ENDING("password", GLUED | PLURAL),
    ENDING("passwd", GLUED | PLURAL),
    ENDING("passphrase", GLUED | PLURAL),
    ENDING("passcode", GLUED | PLURAL),
    ENDING("pwd", 0),
    ENDING("pass", WHOLE),
    ENDING("db_pass", 0),
    ENDING("user_pass", 0),
    ENDING("smtp_pass", 0),
    ENDING("mail_pass", 0),
    ENDING("redis_pass", 0),
    ENDING("secret", GLUED | PLURAL),
    ENDING("credential", PLURAL),
    ENDING("token", GLUED),
    ENDING("access_token", PLURAL),
    ENDING("refresh_token", PLURAL),
    ENDING("auth_token", PLURAL),
    ENDING("api_token", PLURAL),
    ENDING("bearer_token", PLURAL),
    ENDING("session_token", PLURAL),
    ENDING("csrf_token", PLURAL),
    ENDING("jwt", PLURAL),
    ENDING("bearer", 0),
    ENDING("csrf", 0),
    ENDING("xsrf", 0),
    ENDING("authorization", GLUED | LINE),
    ENDING("auth", 0),
    ENDING("cookie", PLURAL | LINE),
    ENDING("session", 0),
    ENDING("session_id", PLURAL),
    ENDING("sessionid", GLUED | PLURAL),
    ENDING("sessid", GLUED),
    ENDING("session_key", PLURAL),
    ENDING("sid", WHOLE),
    ENDING("connect_sid", WHOLE),
    ENDING("api_key", PLURAL),
    ENDING("apikey", GLUED | PLURAL),
    ENDING("private_key", PLURAL),
    ENDING("privatekey", GLUED | PLURAL),
    ENDING("secret_key", PLURAL),
    ENDING("secretkey", GLUED | PLURAL),
    ENDING("access_key", PLURAL),
    ENDING("accesskey", GLUED | PLURAL),
    ENDING("auth_key", PLURAL),
    ENDING("signing_key", PLURAL),
    ENDING("encryption_key", PLURAL),
    ENDING("hmac_key", PLURAL),
    ENDING("master_key", PLURAL),
    ENDING("account_key", PLURAL),
    ENDING("shared_key", PLURAL),
    ENDING("app_key", PLURAL),
    ENDING("client_key", PLURAL),
    ENDING("ssh_key", PLURAL),
    ENDING("ssl_key", PLURAL),
    ENDING("tls_key", PLURAL),
    ENDING("gpg_key", PLURAL),
    ENDING("deploy_key", PLURAL),
    ENDING("webhook_key", PLURAL),
    ENDING("amz_signature", 0),
    ENDING("goog_signature", 0),
    ENDING("sig", WHOLE),
    ENDING("otp", 0),
    ENDING("totp", 0),
    ENDING("otp_code", PLURAL),
    ENDING("mfa_code", PLURAL),
    ENDING("auth_code", PLURAL),
    ENDING("authorization_code", PLURAL),
    ENDING("verification_code", PLURAL),
    ENDING("security_code", PLURAL),
    ENDING("recovery_code", PLURAL),
    ENDING("backup_code", PLURAL),
    ENDING("pin", 0),
    ENDING("pin_code", 0),
    ENDING("ssn", 0),
    ENDING("social_security", 0),
    ENDING("social_security_number", 0),
    ENDING("credit_card", PLURAL),
    ENDING("creditcard", GLUED | PLURAL),
    ENDING("debit_card", PLURAL),
    ENDING("card_number", PLURAL),
    ENDING("cardnumber", GLUED),
    ENDING("credit_card_no", 0),
    ENDING("card_no", 0),
    ENDING("cc_number", 0),
    ENDING("cvv", 0),
    ENDING("cvc", 0),
};

/* Words at the end that say nothing of what the thing is. */
static const char *const FORMS[] = {
    "value", "string", "str", "text", "raw", "plain", "plaintext", "header", "field", "input", "param", "hash", "hashed",
    "digest", "encrypted", "encoded", "base64", "b64", "hex", "bytes", "confirm", "confirmation", "repeat", "again", "new",
    "old", "current", "previous", "env",
};

/* Words at the beginning of what is asked or counted. */
static const char *const QUESTIONS[] = {"has", "is", "was", "needs", "requires", "require", "num", "max", "min", "total", "count"};

static bool is_boundary(char before, char c, char after)
{
    bool is_upper = scope_class(c) == SCOPE_CLASS_ALPHA;
    if (!is_upper)
        return false;
    unsigned earlier = scope_class(before);
    return earlier & (SCOPE_CLASS_LOWER | SCOPE_CLASS_DIGIT)
           || (earlier & SCOPE_CLASS_ALPHA && scope_class(after) & SCOPE_CLASS_LOWER);
}

/* The name in words; returns the size. `words` has room for twice the name: a `_` before every letter. */
static size_t split_words(const char *name, size_t length, char *words)
{
    size_t size = 0;
    for (size_t at = 0; at < length; at++) {
        char before = at > 0 ? name[at - 1] : 0, after = at + 1 < length ? name[at + 1] : 0;
        bool part = scope_is_alnum(name[at]) || (unsigned char)name[at] >= 0x80;
        if (size > 0 && words[size - 1] != '_' && (!part || is_boundary(before, name[at], after)))
            words[size++] = '_';
        if (part)
            words[size++] = scope_lower(name[at]);
    }
    return size > 0 && words[size - 1] == '_' ? size - 1 : size;
}

static bool ends_with(const char *words, size_t size, const char *word, size_t word_size)
{
    return size >= word_size && memcmp(words + size - word_size, word, word_size) == 0;
}

/* The size without a last word of FORMS, if there is one and something stands before it. */
static size_t without_form(const char *words, size_t size)
{
    for (size_t index = 0; index < COUNT(FORMS); index++) {
        size_t form = strlen(FORMS[index]);
        if (size > form + 1 && words[size - form - 1] == '_' && ends_with(words, size, FORMS[index], form))
            return size - form - 1;
    }
    return size;
}

/* The size without digits at the end: password1, new_password_2, cvv2. */
static size_t without_digits(const char *words, size_t size)
{
    while (size > 0 && (scope_is_digit(words[size - 1]) || words[size - 1] == '_'))
        size--;
    return size;
}

static size_t without_forms(const char *words, size_t size)
{
    for (size_t before = 0; before != size;) {
        before = size;
        size = without_digits(words, without_form(words, size));
    }
    return size;
}

static bool is_question(const char *words, size_t size)
{
    for (size_t index = 0; index < COUNT(QUESTIONS); index++) {
        size_t question = strlen(QUESTIONS[index]);
        if (size > question && words[question] == '_' && memcmp(words, QUESTIONS[index], question) == 0)
            return true;
    }
    return false;
}

static bool is_ending(const ending *each, const char *words, size_t size, bool plural)
{
    if (plural && !(each->flags & PLURAL))
        return false;
    size_t end = plural ? size - 1 : size;
    if (!ends_with(words, end, each->text, each->size))
        return false;
    if (end == each->size)
        return true;
    return !(each->flags & WHOLE) && (each->flags & GLUED || words[end - each->size - 1] == '_');
}

enum scope_secret scope_secret_kind(const char *name, size_t length)
{
    char words[2 * NAME_MAX_BYTES];
    size_t skipped = length > NAME_MAX_BYTES ? length - NAME_MAX_BYTES : 0;
    size_t size = split_words(name + skipped, length - skipped, words);
    if (is_question(words, size))
        return SCOPE_SECRET_NONE;
    size = without_forms(words, size);
    if (size < 3)
        return SCOPE_SECRET_NONE;
    bool plural = words[size - 1] == 's';
    char last = words[size - 1], last_of_plural = words[size - 2];
    for (size_t index = 0; index < COUNT(ENDINGS); index++) {
        const ending *each = &ENDINGS[index];
        char own = each->text[each->size - 1];
        if (own != last && !(plural && own == last_of_plural))
            continue;
        if (is_ending(each, words, size, false) || (plural && is_ending(each, words, size, true)))
            return each->flags & LINE ? SCOPE_SECRET_LINE : SCOPE_SECRET_VALUE;
    }
    return SCOPE_SECRET_NONE;
}

bool scope_secret_name(const char *name, size_t length)
{
    return scope_secret_kind(name, length) != SCOPE_SECRET_NONE;
}
