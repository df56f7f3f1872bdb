"""Opening files that nobody else has put where we write."""

from __future__ import annotations

import errno
import os
import stat

_NEVER = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Follow a link, wait for who reads a FIFO, hand it to a child."""


def open_own(path: str, flags: int) -> int:
    """Open ``path``, made for its owner only where ``flags`` make it; nothing of it is changed before it is checked.

    Raises OSError where that fails, and where it is not a regular file of this user under this one name: what is
    written there could be somebody's.
    """
    file = os.open(path, flags | _NEVER, 0o600)
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink <= 1:
        return file
    os.close(file)
    raise OSError(errno.EPERM, "it is not a file of its own", path)
