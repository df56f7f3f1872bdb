"""Calls that hold the thread they are made in, by the dotted name of what is called; of a class all its methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["blocking"]

_HIGH: Final = {
    "MySQLdb": "connect",
    "asyncio": "run",
    "boto3": "client resource",
    "builtins": "input",
    "concurrent.futures": "wait Future.result",
    "elasticsearch": "Elasticsearch",
    "ftplib": "FTP",
    "http.client": "HTTPConnection HTTPSConnection",
    "httpx": "get post put patch delete head options request stream Client",
    "imaplib": "IMAP4",
    "kafka": "KafkaProducer",
    "mysql.connector": "connect",
    "oracledb": "connect",
    "os": "system popen wait waitpid",
    "pika": "BlockingConnection",
    "psycopg": "connect Connection",
    "psycopg2": "connect",
    "pymongo": "MongoClient",
    "pymysql": "connect",
    "pyodbc": "connect",
    "queue": "Queue.get Queue.put Queue.join",
    "redis": "Redis StrictRedis from_url",
    "requests": "get post put patch delete head options request Session",
    "smtplib": "SMTP SMTP_SSL",
    "socket": "create_connection getaddrinfo gethostbyname gethostbyaddr",
    "sqlalchemy.orm": "Session",
    "sqlalchemy.orm.session": "Session",
    "sqlite3": "connect Connection Cursor",
    "sqlmodel": "Session",
    "subprocess": "run call check_call check_output getoutput getstatusoutput Popen.wait Popen.communicate",
    "threading": "Thread.join Event.wait Condition.wait Barrier.wait",
    "time": "sleep",
    "urllib.request": "urlopen urlretrieve",
    "urllib3": "PoolManager request",
}
_MEDIUM: Final = {
    "PIL.Image": "open",
    "argon2": "PasswordHasher",
    "bcrypt": "hashpw checkpw",
    "glob": "glob",
    "hashlib": "scrypt pbkdf2_hmac",
    "os": "walk",
    "pandas": "read_csv read_excel read_parquet read_sql",
    "passlib.context": "CryptContext",
    "shutil": "copy copy2 copyfile copyfileobj copytree move rmtree make_archive",
    "subprocess": "Popen",
    "tarfile": "open",
    "threading": "Lock.acquire RLock.acquire Semaphore.acquire",
    "zipfile": "ZipFile",
}
_LOW: Final = {
    "builtins": "open",
    "io": "open",
    "os": "listdir scandir remove unlink rename replace makedirs mkdir rmdir",
    "pathlib": "Path.read_text Path.read_bytes Path.write_text Path.write_bytes Path.open Path.unlink Path.mkdir"
    " Path.glob Path.rglob",
    "tempfile": "NamedTemporaryFile",
}


_QUICK: Final = frozenset(
    {
        *("add", "add_all", "expunge", "expunge_all", "close", "fileno", "poll", "kill", "terminate", "send_signal"),
        *("namelist", "infolist", "getinfo", "locked", "is_set", "set", "clear", "is_alive", "empty", "full", "qsize"),
        *("get_nowait", "put_nowait", "seek", "tell"),
    }
)
"""Methods that wait for nobody, whatever else their class does."""
_LAZY: Final = frozenset(
    {
        *("elasticsearch.Elasticsearch", "http.client.HTTPConnection", "http.client.HTTPSConnection"),
        *("httpx.Client", "pymongo.MongoClient", "redis.Redis", "redis.StrictRedis", "redis.from_url"),
        *("requests.Session", "sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlmodel.Session"),
        *("urllib3.PoolManager", "argon2.PasswordHasher", "passlib.context.CryptContext", "boto3.resource"),
    }
)
"""What connects no sooner than it is asked for something."""


def _names(table: Mapping[str, str]) -> Iterator[str]:
    for module, names in table.items():
        yield from (f"{module}.{name}" for name in names.split())


_KNOWN: Final = {
    **dict.fromkeys(_names(_LOW), Severity.LOW),
    **dict.fromkeys(_names(_MEDIUM), Severity.MEDIUM),
    **dict.fromkeys(_names(_HIGH), Severity.HIGH),
}


def blocking(callee: str) -> Severity | None:
    """How long a call of ``callee`` is likely to hold its thread; None where it is not known to."""
    if callee in _LAZY:
        return None
    known = _KNOWN.get(callee)
    if known is not None:
        return known
    owner, _, method = callee.rpartition(".")
    if method in _QUICK:
        return None
    return _KNOWN.get(owner) if owner.rpartition(".")[2][:1].isupper() else None
