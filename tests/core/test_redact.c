/* What redaction hides by its shape, and what it leaves alone. */
#include "redacting.h"

/* Well-known prefixes in two parts, so that this file itself holds nothing that looks like a key. */
#define GHP "gh" "p_"
#define SK_LIVE "sk_" "live_"
#define XOXB "xox" "b-"
#define AIZA "AI" "za"
#define DIGITS20 "0123456789abcdefghij"

static void test_ordinary_values_stay(void)
{
    static const example examples[] = {
        {"", NULL},
        {"a", NULL},
        {"Alice Example", NULL},
        {"user_id", NULL},
        {"/users/42/orders?page=3&sort=name", NULL},
        {"550e8400-e29b-41d4-a716-446655440000", NULL},
        {"4bf92f3577b34da6a3ce929d0e0e4736", NULL},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL},
        {"2024-05-17T12:30:00.123456+02:00", NULL},
        {"1732284000123456789", NULL},
        {"0.5555555555555556", NULL},
        {"-1.4111111111111111e+10", NULL},
        {"+49 30 901820 123 456", NULL},
        {"192.168.100.200:8080", NULL},
        {"https://example.com:8443/a/b?c=d#e", NULL},
        {"http://[2001:db8::1]:8080/x", NULL},
        {"see http://localhost:8000.", NULL},
        {"application/json; charset=utf-8", NULL},
        {"SELECT id, name FROM users WHERE name = 'bob' AND age > 3", NULL},
        {"INSERT INTO t (a, b) VALUES (?, ?), ('x', \"y\")", NULL},
        {"{'count': 3, 'items': ['a', 'b'], \"ok\": true}", NULL},
        {"KeyError: 'user'", NULL},
        {"std::string, a::b::c, password::text", NULL},
        {"Gr\xc3\xbc\xc3\x9f" "e aus M\xc3\xbcnchen: 20 \xe2\x82\xac, \xf0\x9f\x98\x80=1", NULL},
        {"basic understanding of basic authentication", NULL},
        {"the bearer of this letter", NULL},
        {"HEAD IJK_L-M JSON_API eyJabc eyJhbGciOiJIUzI1NiJ9", NULL},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", NULL},
        {"%3D %3d 100% %", NULL},
        {"= : , ' \" \\ ( ) [ ] { }", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_json_web_tokens(void)
{
    static const example examples[] = {
        {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "[redacted]"},
        {"got eyJhbGciOiJub25lIn0.e30. here", "got [redacted] here"},
        {"eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp.48V1_ALb6US0.5eym8TW_c8.XFBoMYUZodet-w, then", "[redacted], then"},
        {"cut eyJhbGciOiJIUzI1NiJ9.eyJz", "cut [redacted]"},
        {"/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc/y", "/x/[redacted]/y"},
        {"heyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0", NULL},
        {"eyJhbGciOiJIUzI1NiJ9.x", NULL},
        {"eyJhb.eyJzdWIiOiIxIn0", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_credentials(void)
{
    static const example examples[] = {
        {"Bearer x", "Bearer *"},
        {"Bearer mysecrettoken", "Bearer [redacted]"},
        {"BEARER  0/abc.def~x+y==", "BEARER  [redacted]"},
        {"bearer abc123 is bad", "bearer *** is bad"},
        {"bearer abcdefghijklmnop", "bearer [redacted]"},
        {"Bearer token.", NULL},
        {"Bearer authentication is required", NULL},
        {"Bearer realm=\"api\"", NULL},
        {"Bearer ", NULL},
        {"forbearer abc123", NULL},
        {"Basic dXNlcjpwYXNz", "Basic [redacted]"},
        {"basic OnB3 x", "basic *** x"},
        {"Basic dXNlcg==", NULL},
        {"Basic f35/Og== ABCDEF0+/9", NULL},
        {"Bearer a=b", "Bearer ***"},
        {"Bearer \"x\"", NULL},
        {"Basic AH86-_8=", NULL},
        {"Basic YTpifw==", NULL},
        {"Basic AAECOg==", NULL},
        {"Basic realm", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_card_numbers(void)
{
    static const example examples[] = {
        {"4111111111111111", "[redacted]"},
        {"card 4111 1111 1111 1111 exp 12/27", "card [redacted] exp 12/27"},
        {"4111 1111 1111 1111 12 27", "[redacted] 12 27"},
        {"12 5555-5555-5555-4444.", "12 [redacted]."},
        {"2223003122003222", "[redacted]"},
        {"3782 822463 10005", "[redacted]"},
        {"378282246310005", "[redacted]"},
        {"3056 930902 5904", "[redacted]"},
        {"30569309025904", "[redacted]"},
        {"6011111111111117 and 3530111333300000", "[redacted] and [redacted]"},
        {"6200 0000 0000 0000 000", "[redacted]"},
        {"6200000000000000000", "[redacted]"},
        {"card-4111111111111111", "card-[redacted]"},
        {"4111111111111112", NULL},
        {"4111 1111 11111111", NULL},
        {"4111 1111-1111 1111", NULL},
        {"9111111111111111", NULL},
        {"order_4111111111111111", NULL},
        {"x4111111111111111", NULL},
        {"4111111111111111x", NULL},
        {"4111111111111111_", NULL},
        {"4111111111111111.5", NULL},
        {"0.4111111111111111", NULL},
        {"3-4111111111111111", NULL},
        {"41111111111111110000", NULL},
        {"1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0", NULL},
        {"4222222222222", NULL},
        {"3056 930902 5905, 3782 822463 10006, 6200 0000 0000 0000 001", NULL},
        {"4111 1111 1111 11", NULL},
        {"in 41111111111111 or 1234 5678 9012 34567", NULL},
        {"12345678901234 123456789012345 12345678901234567", NULL},
    };
    CHECK_EXAMPLES(examples);
}

/* The number of `count` digits that begins with `prefix`, goes on with zeros and ends in the right check digit. */
static void write_card(char *to, const char *prefix, size_t count)
{
    unsigned sum = 0;
    memset(to, '0', count);
    to[count] = 0;
    memcpy(to, prefix, strlen(prefix));
    for (size_t index = 0; index + 1 < count; index++) {
        unsigned digit = (unsigned)(to[count - 2 - index] - '0'), twice = index % 2 == 0 ? 2 * digit : digit;
        sum += twice > 9 ? twice - 9 : twice;
    }
    to[count - 1] = (char)('0' + (10 - sum % 10) % 10);
}

static void test_numbers_of_every_issuer(void)
{
    static const struct {
        const char *prefix;
        size_t count;
        bool issued;
    } cards[] = {
        {"30", 14, true}, {"36", 14, true}, {"38", 14, true}, {"39", 14, true}, {"37", 14, false}, {"45", 14, false},
        {"34", 15, true}, {"37", 15, true}, {"30", 15, false}, {"43", 15, false}, {"40", 16, true}, {"49", 16, true},
        {"51", 16, true}, {"69", 16, true}, {"35", 16, true}, {"36", 16, true}, {"2221", 16, true}, {"2720", 16, true},
        {"2220", 16, false}, {"2721", 16, false}, {"31", 16, false}, {"70", 16, false}, {"12", 16, false},
        {"62", 17, true}, {"35", 18, true}, {"50", 18, true}, {"56", 19, true}, {"57", 19, true}, {"58", 19, true},
        {"69", 19, true}, {"59", 19, false}, {"40", 19, false}, {"62", 20, false}, {"41", 13, false},
    };
    for (size_t index = 0; index < sizeof cards / sizeof *cards; index++) {
        char number[24];
        write_card(number, cards[index].prefix, cards[index].count);
        size_t size;
        char *result = redacted(number, cards[index].count, &size);
        CHECK((strcmp(result, "[redacted]") == 0) == cards[index].issued, "%s: %s", number, result);
        free(result);
        number[cards[index].count - 1] = (char)('0' + (number[cards[index].count - 1] - '0' + 1) % 10);
        result = redacted(number, cards[index].count, &size);
        CHECK(strcmp(result, number) == 0, "wrong check digit, %s: %s", number, result);
        free(result);
    }
}

static void test_keys_with_known_prefixes(void)
{
    static const example examples[] = {
        {"AKIAIOSFODNN7EXAMPLE", "[redacted]"},
        {"SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc1s5cr", "[redacted]"},
        {"use ya29.a0AfB_byC1234567890abcdef now", "use [redacted] now"},
        {"GOCSPX-abcdefghijklmnopqrstuvwx", "[redacted]"},
        {"dop_v1_0123456789abcdef0123456789abcdef01234567", "[redacted]"},
        {"to https://hooks.slack.com/services/T0/B0/abcDEF123 it goes",
         "to https://hooks.slack.com/services/[redacted] it goes"},
        {"https://api.telegram.org/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/x",
         "https://api.telegram.org/bot[redacted]"},
        {"MSG.some_module_that_is_longer_than_any_other_name", NULL},
        {"a.b.c.d.e.f.g.h shop.pricing.G.x", NULL},
        {"key=ASIAIOSFODNN7EXAMPLE;", "key=[redacted];"},
        {GHP DIGITS20 "KLMNOPQRSTUVWXYZ", "[redacted]"},
        {"push " "github" "_pat_11ABC_" DIGITS20 " ok", "push [redacted] ok"},
        {SK_LIVE DIGITS20, "[redacted]"},
        {"rk_" "live_" DIGITS20, "[redacted]"},
        {"sk-" "ant-api03-" DIGITS20 "-x_y", "[redacted]"},
        {"sk-" "proj-" DIGITS20, "[redacted]"},
        {"sk-" DIGITS20 DIGITS20, "[redacted]"},
        {XOXB "12345-67890-" DIGITS20, "[redacted]"},
        {AIZA "SyA-" DIGITS20 DIGITS20, "[redacted]"},
        {"gl" "pat-" DIGITS20, "[redacted]"},
        {"np" "m_" DIGITS20 DIGITS20, "[redacted]"},
        {"py" "pi-AgEIcHlwaS5vcmc" DIGITS20, "[redacted]"},
        {"git+https://" GHP DIGITS20 "@github.com/a/b", "git+https://[redacted]@github.com/a/b"},
        {"AKIAIOSFODNN7EXAMPLES", NULL},
        {"AKIA12", NULL},
        {"XAKIAIOSFODNN7EXAMPLE", NULL},
        {GHP "short", NULL},
        {"disk-ant-" DIGITS20, NULL},
        {"npm_config_registry_is_a_long_name_of_a_variable", NULL},
        {"pypi-server-is-slow", NULL},
        {"task-based sk-learn", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_private_keys(void)
{
    static const example examples[] = {
        {"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\nrest",
         "-----BEGIN PRIVATE KEY-----[redacted]-----END PRIVATE KEY-----\nrest"},
        {"k: -----BEGIN RSA PRIVATE KEY-----\\nMIIEvQ and it was cut", "k: -----BEGIN RSA PRIVATE KEY-----[redacted]"},
        {"-----BEGIN OPENSSH PRIVATE KEY MIIEvQIBADANBg", "-----BEGIN OPENSSH PRIVATE KEY[redacted]"},
        {"-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQdGBF\n-----END PGP PRIVATE KEY BLOCK-----",
         "-----BEGIN PGP PRIVATE KEY BLOCK-----***-----END PGP PRIVATE KEY BLOCK-----"},
        {"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", NULL},
        {"---------------- a table ----------------", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_email_addresses(void)
{
    static const example examples[] = {
        {"mail bob.b+tag@mail.example.com.", "mail [redacted]."},
        {"a@b.co", "***"},
        {"\xc3\xbc" "ber@example.com", "[redacted]"},
        {"bob@localhost, @home, a@.de, a@b.c, x@y.", NULL},
        {"@app.get @x.yz package@1.20.30", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_a_cut_falls_between_characters(void)
{
    char euros[] = "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac";
    CHECK(scope_redact_and_cut(euros, 9, 9) == 9, "whole");
    CHECK(scope_redact_and_cut(euros, 9, 8) == 6, "one less");
    CHECK(scope_redact_and_cut(euros, 9, 2) == 0, "none fits");
}

static void test_a_secret_across_the_cut_is_seen_with_slack(void)
{
    char text[] = "paid with card 4111 1111 1111 1111 today";
    CHECK(scope_redact_and_cut(text, strlen(text), 24) == 24, "length");
    CHECK(strncmp(text, "paid with card [redacted] today", 24) == 0, "%.24s", text);
}

int main(void)
{
    test_ordinary_values_stay();
    test_json_web_tokens();
    test_credentials();
    test_card_numbers();
    test_numbers_of_every_issuer();
    test_keys_with_known_prefixes();
    test_private_keys();
    test_email_addresses();
    test_a_cut_falls_between_characters();
    test_a_secret_across_the_cut_is_seen_with_slack();
    return CHECK_RESULT();
}
