/* Which names are those of secrets.
 *
 * A name is brought to words in lower case with one `_` between them. In English the last word of a compound says
 * what the thing is, so a secret is told by how the name ends: `stripe_api_key` by `api_key`. What only describes the
 * form of the thing (`_value`, `_hash`, `_confirmation`, a digit) is taken off the end first; `password_hash` is as
 * good as secret, for hashes are broken. A name whose first word asks or counts (`has_`, `max_`) is no secret's.
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

#define ENDINGS_IN(letter, ...) [letter - 'a'] = (const ending[]){__VA_ARGS__, {NULL, 0, 0}}

/* By their last letter. */
static const ending *const ENDINGS[26] = {
    ENDINGS_IN('c',
               ENDING("cvc", 0)),
    ENDINGS_IN('d',
               ENDING("password", GLUED | PLURAL), ENDING("passwd", GLUED | PLURAL), ENDING("pwd", 0),
               ENDING("session_id", PLURAL), ENDING("sessionid", GLUED | PLURAL), ENDING("sessid", GLUED),
               ENDING("sid", WHOLE), ENDING("connect_sid", WHOLE), ENDING("credit_card", PLURAL),
               ENDING("creditcard", GLUED | PLURAL), ENDING("debit_card", PLURAL)),
    ENDINGS_IN('e',
               ENDING("passphrase", GLUED | PLURAL), ENDING("passcode", GLUED | PLURAL),
               ENDING("cookie", PLURAL | LINE), ENDING("amz_signature", 0), ENDING("goog_signature", 0),
               ENDING("otp_code", PLURAL), ENDING("mfa_code", PLURAL), ENDING("auth_code", PLURAL),
               ENDING("authorization_code", PLURAL), ENDING("verification_code", PLURAL),
               ENDING("security_code", PLURAL), ENDING("recovery_code", PLURAL), ENDING("backup_code", PLURAL),
               ENDING("pin_code", 0)),
    ENDINGS_IN('f',
               ENDING("csrf", 0), ENDING("xsrf", 0)),
    ENDINGS_IN('g',
               ENDING("sig", WHOLE)),
    ENDINGS_IN('h',
               ENDING("auth", 0)),
    ENDINGS_IN('l',
               ENDING("credential", PLURAL)),
    ENDINGS_IN('n',
               ENDING("token", GLUED), ENDING("access_token", PLURAL), ENDING("refresh_token", PLURAL),
               ENDING("auth_token", PLURAL), ENDING("api_token", PLURAL), ENDING("bearer_token", PLURAL),
               ENDING("session_token", PLURAL), ENDING("csrf_token", PLURAL), ENDING("authorization", GLUED | LINE),
               ENDING("session", 0), ENDING("pin", 0), ENDING("ssn", 0)),
    ENDINGS_IN('o',
               ENDING("credit_card_no", 0), ENDING("card_no", 0)),
    ENDINGS_IN('p',
               ENDING("otp", 0), ENDING("totp", 0)),
    ENDINGS_IN('r',
               ENDING("bearer", 0), ENDING("social_security_number", 0), ENDING("card_number", PLURAL),
               ENDING("cardnumber", GLUED), ENDING("cc_number", 0)),
    ENDINGS_IN('s',
               ENDING("pass", WHOLE), ENDING("db_pass", 0), ENDING("user_pass", 0), ENDING("smtp_pass", 0),
               ENDING("mail_pass", 0), ENDING("redis_pass", 0)),
    ENDINGS_IN('t',
               ENDING("secret", GLUED | PLURAL), ENDING("jwt", PLURAL)),
    ENDINGS_IN('v',
               ENDING("cvv", 0)),
    ENDINGS_IN('y',
               ENDING("session_key", PLURAL), ENDING("api_key", PLURAL), ENDING("apikey", GLUED | PLURAL),
               ENDING("private_key", PLURAL), ENDING("privatekey", GLUED | PLURAL), ENDING("secret_key", PLURAL),
               ENDING("secretkey", GLUED | PLURAL), ENDING("access_key", PLURAL),
               ENDING("accesskey", GLUED | PLURAL), ENDING("auth_key", PLURAL), ENDING("signing_key", PLURAL),
               ENDING("encryption_key", PLURAL), ENDING("hmac_key", PLURAL), ENDING("master_key", PLURAL),
               ENDING("account_key", PLURAL), ENDING("shared_key", PLURAL), ENDING("app_key", PLURAL),
               ENDING("client_key", PLURAL), ENDING("ssh_key", PLURAL), ENDING("ssl_key", PLURAL),
               ENDING("tls_key", PLURAL), ENDING("gpg_key", PLURAL), ENDING("deploy_key", PLURAL),
               ENDING("webhook_key", PLURAL), ENDING("social_security", 0)),
};

typedef struct {
    const char *text;
    uint8_t size;
} word;

#define WORD(text) {text, sizeof text - 1}

/* Words at the end that say nothing of what the thing is. */
static const word FORMS[] = {
    WORD("value"), WORD("string"), WORD("str"), WORD("text"), WORD("raw"), WORD("plain"), WORD("plaintext"),
    WORD("hash"), WORD("hashed"), WORD("digest"), WORD("encoded"), WORD("encrypted"), WORD("base64"), WORD("bytes"),
    WORD("hex"), WORD("header"), WORD("field"), WORD("input"), WORD("param"), WORD("confirm"), WORD("confirmation"),
    WORD("again"), WORD("repeat"), WORD("new"), WORD("old"), WORD("current"), WORD("env"),
};

/* Words at the beginning of what is asked or counted. */
static const word QUESTIONS[] = {
    WORD("has"), WORD("is"),  WORD("was"), WORD("needs"), WORD("require"), WORD("requires"),
    WORD("num"), WORD("max"), WORD("min"), WORD("total"), WORD("count"),
};

/* Whether an ending, its plural or a form may end in these two letters; most names have others, and are done with. */
static bool may_end(char before, char last)
{
    static const char *const letters_before[26] = {
        ['c' - 'a'] = "v",  ['d' - 'a'] = "rwile", ['e' - 'a'] = "sdiur",   ['f' - 'a'] = "r",      ['g' - 'a'] = "in",
        ['h' - 'a'] = "ts", ['l' - 'a'] = "a",     ['m' - 'a'] = "ar",      ['n' - 'a'] = "eois",   ['o' - 'a'] = "n",
        ['p' - 'a'] = "t",  ['r' - 'a'] = "et",    ['s' - 'a'] = "sdetlny", ['t' - 'a'] = "ewxusan", ['v' - 'a'] = "vn",
        ['w' - 'a'] = "ae", ['x' - 'a'] = "e",     ['y' - 'a'] = "et",
    };
    const char *letters = last >= 'a' && last <= 'z' ? letters_before[last - 'a'] : NULL;
    return letters && strchr(letters, before);
}

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

static bool ends_with(const char *words, size_t size, const char *last, size_t last_size)
{
    return size >= last_size && memcmp(words + size - last_size, last, last_size) == 0;
}

/* The size without a last word of FORMS, if there is one and something stands before it. */
static size_t without_form(const char *words, size_t size)
{
    for (size_t index = 0; index < COUNT(FORMS); index++) {
        size_t form = FORMS[index].size;
        if (size > form + 1 && FORMS[index].text[form - 1] == words[size - 1] && words[size - form - 1] == '_'
            && ends_with(words, size, FORMS[index].text, form))
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
    size_t before;
    do {
        before = size;
        size = without_digits(words, without_form(words, size));
    } while (size != before);
    return size;
}

static bool is_question(const char *words, size_t size)
{
    for (size_t index = 0; index < COUNT(QUESTIONS); index++) {
        size_t question = QUESTIONS[index].size;
        if (size > question && words[question] == '_' && memcmp(words, QUESTIONS[index].text, question) == 0)
            return true;
    }
    return false;
}

static bool is_ending(const ending *each, const char *words, size_t size)
{
    if (!ends_with(words, size, each->text, each->size))
        return false;
    if (size == each->size)
        return true;
    return !(each->flags & WHOLE) && (each->flags & GLUED || words[size - each->size - 1] == '_');
}

/* Only endings that have all of `flags` count. */
static enum scope_secret find_ending(const char *words, size_t size, unsigned flags)
{
    char last = words[size - 1];
    const ending *each = last >= 'a' && last <= 'z' ? ENDINGS[last - 'a'] : NULL;
    for (; each && each->text; each++)
        if ((each->flags & flags) == flags && is_ending(each, words, size))
            return each->flags & LINE ? SCOPE_SECRET_LINE : SCOPE_SECRET_VALUE;
    return SCOPE_SECRET_NONE;
}

/* Looks at the last two letters of the name as it is written; digits and separators after them do not count. */
static bool may_be_secret(const char *name, size_t length)
{
    while (length > 2 && !(scope_class(name[length - 1]) & SCOPE_CLASS_ALPHA))
        length--;
    return length > 2 && may_end(scope_lower(name[length - 2]), scope_lower(name[length - 1]));
}

enum scope_secret scope_secret_kind(const char *name, size_t length)
{
    char words[2 * NAME_MAX_BYTES];
    size_t skipped = length > NAME_MAX_BYTES ? length - NAME_MAX_BYTES : 0;
    name += skipped;
    length -= skipped;
    if (!may_be_secret(name, length))
        return SCOPE_SECRET_NONE;
    size_t size = without_forms(words, split_words(name, length, words));
    if (size < 3 || is_question(words, size))
        return SCOPE_SECRET_NONE;
    enum scope_secret kind = find_ending(words, size, 0);
    if (kind == SCOPE_SECRET_NONE && words[size - 1] == 's')
        kind = find_ending(words, size - 1, PLURAL);
    return kind;
}

bool scope_secret_name(const char *name, size_t length)
{
    return scope_secret_kind(name, length) != SCOPE_SECRET_NONE;
}
