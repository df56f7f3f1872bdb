/* Which names are those of secrets. */
#include "redacting.h"

static bool is_secret(const char *name)
{
    size_t length = strlen(name);
    char *exact = malloc(length ? length : 1);
    if (!exact)
        abort();
    memcpy(exact, name, length);
    bool answer = scope_secret_name(exact, length);
    free(exact);
    return answer;
}

static void test_names_of_secrets(void)
{
    static const char *const names[] = {
        "password", "Password", "PASSWORD", "passwd", "pwd", "pass", "db_pass", "passphrase", "user.password",
        "userPassword", "userpassword", "PGPASSWORD", "MYSQL_PWD", "password1", "new_password_2",
        "passwordConfirmation", "password_hash", "hashed-password", "passwords", "secret", "secrets",
        "client_secret", "clientSecret", "AWS_SECRET_ACCESS_KEY", "secret-value", "token", "access_token",
        "accessToken", "accesstoken", "refresh_tokens", "id_token", "csrf_token", "csrfmiddlewaretoken",
        "XSRF-TOKEN", "_xsrf", "csrf", "x-amz-security-token", "OAuth2Token", "jwt", "authorization",
        "Authorization", "proxy-authorization", "HTTP_AUTHORIZATION", "authorization_header", "auth", "x-auth",
        "cookie", "Set-Cookie", "cookies", "api_key", "apikey", "apiKey", "APIKey", "X-Api-Key", "api keys",
        "private_key", "privateKey", "ssh_private_key", "secret_key", "access_key", "encryption_key", "session",
        "session_id", "sessionid", "sessionID", "PHPSESSID", "JSESSIONID", "sid", "connect.sid", "X-Amz-Signature",
        "sig", "otp", "otp_code", "recovery_codes", "pin", "pin_code", "user_pin", "ssn", "social_security_number",
        "credit_card", "creditCard", "credit_card_number", "card_number", "cardnumber", "card-no", "cc_number",
        "cvv", "cvv2", "cvc", "card_cvc", "credential", "credentials", "user_pass", "smtp_pass", "mail_pass",
        "redis_pass", "passcode", "auth_tokens", "api_tokens", "bearer_tokens", "session_tokens", "csrf_tokens",
        "jwts", "bearer", "session_key", "account_key", "shared_keys", "app_key", "client_key", "ssl_key", "tls_key",
        "gpg_key", "deploy_key", "webhook_key", "auth_key", "signing_key", "hmac_key", "master_key", "accesskey",
        "secretkey", "x-goog-signature", "totp", "mfa_code", "auth_codes", "authorization_code", "verification_code",
        "security_code", "backup_code", "social_security", "debit_card", "credit_cards", "credit_card_no",
        "--password", "a_very_long_prefix_that_goes_on_and_on_and_on_and_on_and_on_and_on_password",
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        CHECK(is_secret(names[index]), "%s", names[index]);
}

static void test_the_form_of_a_secret_makes_it_no_less_secret(void)
{
    static const char *const forms[] = {
        "value", "string", "str", "text", "raw", "plain", "plaintext", "hash", "hashed", "digest", "encoded",
        "encrypted", "base64", "bytes", "hex", "header", "field", "input", "param", "confirm", "confirmation",
        "again", "repeat", "new", "old", "current", "env", "1", "value_2",
    };
    for (size_t index = 0; index < sizeof forms / sizeof *forms; index++) {
        char name[64];
        snprintf(name, sizeof name, "password_%s", forms[index]);
        CHECK(is_secret(name), "%s", name);
        CHECK(!is_secret(forms[index]), "%s", forms[index]);
    }
}

static void test_names_that_only_contain_such_words(void)
{
    static const char *const names[] = {
        "", "a", "id", "_", "---", "name", "value", "hash", "header", "token_count", "tokens", "max_tokens",
        "max_token", "prompt_tokens", "total_tokens", "tokenizer", "tokenized", "token_type", "token_url",
        "token_expires_at", "password_reset_url", "password_changed_at", "password_length", "has_password",
        "hasPassword", "is_secret", "requires_auth", "secretary", "secret_name", "secret_arn", "passport",
        "pass_rate", "boarding_pass", "compass", "bypass", "author", "authority", "authored", "authenticated",
        "auth_method", "auth_type", "cookie_consent", "cookie_domain", "session_count", "sessions",
        "active_sessions", "account_sid", "public_key", "primary_key", "foreign_key", "cache_key", "sort_key", "key",
        "keys", "keyboard", "api_key_id", "access_key_id", "api_version", "pinned", "pins", "spin", "shopping",
        "ping", "assn", "card", "card_type", "card_brand", "credit_card_type", "discard", "scoreboard_number",
        "order_number", "signature", "function_signature", "sigma", "cvs", "status_code", "error_code", "zip_code",
        "pwd_length", "csrf_enabled", "jwt_algorithm", "otp_enabled", "opinion", "Gr\xc3\xbc\xc3\x9f" "e",
        "\xff\xfe",
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        CHECK(!is_secret(names[index]), "%s", names[index]);
}

static void test_any_bytes_are_a_name(void)
{
    unsigned state = 1;
    for (int round = 0; round < 20000; round++) {
        char name[200];
        size_t length = (size_t)(round % (int)sizeof name);
        for (size_t at = 0; at < length; at++) {
            state = state * 1103515245 + 12345;
            name[at] = (char)(state >> 16);
        }
        char *exact = malloc(length ? length : 1);
        if (!exact)
            abort();
        memcpy(exact, name, length);
        (void)scope_secret_name(exact, length);
        free(exact);
    }
    CHECK(is_secret("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLM_TOKEN"), "capitals");
    CHECK(!is_secret("AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIjKlMnOpQrStUvWxYz"), "camels");
}

int main(void)
{
    test_names_of_secrets();
    test_the_form_of_a_secret_makes_it_no_less_secret();
    test_names_that_only_contain_such_words();
    test_any_bytes_are_a_name();
    return CHECK_RESULT();
}
