/* What redaction hides because of what stands before it, and what it leaves alone. */
#include "redacting.h"

static void test_what_follows_a_secret_name(void)
{
    static const example examples[] = {
        {"password=hunter2", "password=***"},
        {"/login?user=bob&token=abcdefghijk&x=1", "/login?user=bob&token=[redacted]&x=1"},
        {"?next=%2Fa%3Fpassword%3Dhunter2%26x%3D1", "?next=%2Fa%3Fpassword%3D***%26x%3D1"},
        {"user[password]=hunter2&user%5Bsecret%5D=x1y2", "user[password]=***&user%5Bsecret%5D=***"},
        {"Server=db;Password=a,b!c;Database=x", "Server=db;Password=***;Database=x"},
        {"user=bob,password=hunter2,host=db", "user=bob,password=***,host=db"},
        {"Login(name='bob', password='it''s \\' me', age=3)", "Login(name='bob', password='[redacted]', age=3)"},
        {"{'password': 'hunter2', \"api_key\" : \"abcdefghijklm\"}",
         "{'password': '***', \"api_key\" : \"[redacted]\"}"},
        {"{\"pin\":1234,\"n\":5}", "{\"pin\":***,\"n\":5}"},
        {"{\\\"secret\\\":\\\"hun\\\\\\\"ter\\\",\\\"a\\\":1}", "{\\\"secret\\\":\\\"[redacted]\\\",\\\"a\\\":1}"},
        {"secret = {'a': ['x)', 'y'], 'b': 2} rest", "secret = [redacted] rest"},
        {"token=Secret('hunter2') x", "token=[redacted] x"},
        {"password: hunter2\nuser: bob", "password: ***\nuser: bob"},
        {"config.db.password := b'hunter2'", "config.db.password := b'***'"},
        {":api_key => \"abcdefghijk\"", ":api_key => \"[redacted]\""},
        {"assert token == 'abc'", "assert token == '***'"},
        {"password=ab'cd ef", "password=*** ef"},
        {"password=a%20b%3F%2", "password=[redacted]"},
        {"password=a%20b%26c", "password=***%26c"},
        {"password='", NULL},
        {"password=$x, token=$1x pin=%(a) secret=%(ab)x", "password=**, token=*** pin=*** secret=***"},
        {"password=\\\\x", "password=***"},
        {"password=f'x' token=nothing", "password=f'*' token=***"},
        {"password=\"never closed, cut", "password=\"[redacted]"},
        {"password={never closed, 'cut", "password=[redacted]"},
        {"password=<b> c", "password=*** c"},
        {"password=abc<br>", "password=***<br>"},
        {"'token=abc', 'x'", "'token=***', 'x'"},
        {"Authorization: Digest username=\"x\", response=\"y\"\r\nHost: a", "Authorization: [redacted]\r\nHost: a"},
        {"-H 'Authorization: Token abcdefg' http://x", "-H 'Authorization: [redacted]' http://x"},
        {"authorization=Bearer abc&x=1", "authorization=[redacted]&x=1"},
        {"Set-Cookie: sid=abc; Path=/", "Set-Cookie: [redacted]"},
        {"[(b'host', b'a'), (b'cookie', b'session=abc')]", "[(b'host', b'a'), (b'cookie', b'[redacted]')]"},
        {"(\"x-api-key\", \"abcdefghijk\")", "(\"x-api-key\", \"[redacted]\")"},
        {"['mysql', '--password', 'hunter2', 'db']", "['mysql', '--password', '***', 'db']"},
        {"('password', 'cut", "('password', '***"},
        {"password=\xc3\xbc\xc3\xb6 x", "password=*** x"},
    };
    CHECK_EXAMPLES(examples);
}

static void test_what_only_looks_like_a_named_secret(void)
{
    static const example examples[] = {
        {"token_count=5 max_tokens: 100", NULL},
        {"password=? AND token=%s OR secret=%(secret_1)s, pin = $1::text", NULL},
        {"password=None, token=null, secret=''", NULL},
        {"password:\nuser", NULL},
        {"password=", NULL},
        {"password: ", NULL},
        {"password=&x=1", NULL},
        {"'password=' + x", NULL},
        {"[\"username\", \"password\", \"email\"]", NULL},
        {"('password', x)", NULL},
        {"('user', 'x')", NULL},
        {"password, 'x'", NULL},
        {"('-', '-x', '--', '--x', 'y')", NULL},
        {"('password',", NULL},
        {"(b'password', b", NULL},
        {"('password', 'x' 'y')", NULL},
        {"'password', 'x'", NULL},
        {"b'password', 'x'", NULL},
        {"passwords are hard", NULL},
        {"a=b=c : d , e", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_literals_of_sql(void)
{
    static const example examples[] = {
        {"CREATE USER bob IDENTIFIED BY 'hunter2' REQUIRE SSL", "CREATE USER bob IDENTIFIED BY '***' REQUIRE SSL"},
        {"create user bob identified with caching_sha2 by \"hunter2\"",
         "create user bob identified with caching_sha2 by \"***\""},
        {"ALTER ROLE bob WITH ENCRYPTED PASSWORD E'it''s me, bob'",
         "ALTER ROLE bob WITH ENCRYPTED PASSWORD E'[redacted]'"},
        {"SET PASSWORD FOR 'bob'@'%' = PASSWORD('hunter2')", "SET PASSWORD FOR 'bob'@'%' = PASSWORD('***')"},
        {"SET PASSWORD FOR 'bob'@'localhost' = 'hunter2'", "SET PASSWORD FOR 'bob'@'localhost' = '***'"},
        {"wrong password \"hunter2\"", "wrong password \"***\""},
        {"passwd 'a' passphrase (\n'b')", "passwd '*' passphrase (\n'*')"},
        {"IDENTIFIED WITH x AS 'hash' AS 'y' BY 'z'", "IDENTIFIED WITH x AS '***' AS 'y' BY 'z'"},
        {"IDENTIFIED x 'a', password for bob's = 3, password fox = 'b'", NULL},
        {"password\n\n\n\n\n\n\n\n\n'a'", NULL},
        {"PASSWORD N'abc'", "PASSWORD N'***'"},
        {"PASSWORD x'abc'", NULL},
        {"GROUP BY 'a' ORDER BY 'b', CAST(x AS 'y')", NULL},
        {"enter a password for user a = b", NULL},
        {"{'field': 'password', 'why': 'short'}", NULL},
    };
    CHECK_EXAMPLES(examples);
}

static void test_passwords_in_urls(void)
{
    static const example examples[] = {
        {"postgres://bob:hunter2@db/shop", "postgres://bob:***@db/shop"},
        {"redis://:correct-horse@cache:6379/0", "redis://:[redacted]@cache:6379/0"},
        {"amqp://a:p@ss:w0rd!@mq", "amqp://a:[redacted]@mq"},
        {"smtp://bob@example.com:hunter2@mail", "smtp://bob@example.com:***@mail"},
        {"x postgres://u:pa/ss?w#d@h y", "x postgres://u:***@h y"},
        {"postgres://u:cut-her", "postgres://u:***"},
        {"a://b:c@d,e://f:g@h", "a://b:*@d,e://f:*@h"},
        {"a://b:c/x,e://f:g@h", "a://b:c/x,e://f:*@h"},
        {"http://bob@host:80/", NULL},
        {"http://host:port/path", NULL},
        {"http://host:80/a@b", NULL},
        {"http://u:@host", NULL},
        {"http://", NULL},
        {"http://u:8000,x", "http://u:***"},
        {"a://b:c<d e://f:g>h", NULL},
        {"x a://b:c?d@e", "x a://b:***@e"},
        {"a://b:c#d:e:/f@g", "a://b:***@g"},
        {"a://b:c/:d:", NULL},
        {"'a://b:c' \"a://b:c\"", NULL},
    };
    CHECK_EXAMPLES(examples);
}

int main(void)
{
    test_what_follows_a_secret_name();
    test_what_only_looks_like_a_named_secret();
    test_literals_of_sql();
    test_passwords_in_urls();
    return CHECK_RESULT();
}
