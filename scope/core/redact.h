/* Secrets in text: found by their shape, and by the names they stand under.
 *
 * Hidden are, wherever they stand in the text:
 *   JSON web tokens; `Bearer x` and `Basic x`; card numbers (issuer's prefix, length and Luhn's check digit; spaces
 *   or dashes between groups); the password in `scheme://user:password@host`; keys by their well-known prefixes (AWS,
 *   GitHub, GitLab, Stripe, OpenAI, Anthropic, Slack, Google, npm, PyPI, Hugging Face and others); the address of a
 *   webhook; PEM private keys; what follows a secret's name, as in `password=x`, `"api_key": "x"`, `?token=x&`,
 *   `Cookie: x`, `(b'cookie', b'x')`; the literal after PASSWORD or IDENTIFIED BY in SQL; e-mail addresses.
 *
 * In doubt it hides: a word of prose after `password:` is lost, a secret is not shown. What it cannot know is listed in
 * docs/reference/redaction.md.
 */
#ifndef SCOPE_REDACT_H
#define SCOPE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

/* Of a text that is cut, this many bytes beyond the cut make sure that a secret across it is recognised. */
#define SCOPE_REDACT_SLACK 256

/* Hides the secrets in `text`, in place, and returns the new length, at most `length`. A secret of ten bytes or more
 * becomes "[redacted]", a shorter one "***" (or as much of it as the secret is long). UTF-8 stays UTF-8; any bytes
 * are accepted. No allocation, no byte read beyond `length`, time linear in `length`. */
size_t scope_redact(char *text, size_t length);

/* The same, then cut to at most `max` bytes, between characters. Give it SCOPE_REDACT_SLACK bytes more than `max` where
 * there are so many: a secret that the cut would go through shows its shape only whole. */
size_t scope_redact_and_cut(char *text, size_t length, size_t max);

/* Whether what goes by this name is a secret. Case, `-`, `_`, `.` and camelCase are one, and whole words count: the
 * last one says what a thing is, so `access_token` and `X-Api-Key` are secrets, `token_count` and
 * `password_reset_url` are not, nor is what is counted or asked (`max_token`, `has_password`). Plural `tokens` are a
 * language model's unless their kind is named (`access_tokens`). `session` and `session_id` are secrets: in a cookie
 * they are as good as a password. */
bool scope_secret_name(const char *name, size_t length);

#endif
