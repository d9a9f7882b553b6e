# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the kernel can execute a file, as far as its beginning tells.

To start it would tell, too, but only when the script has an index and is
listed.
"""

from __future__ import annotations

import errno
import os
import re

from ..keeper.spawning import why_not_started

__all__ = ["why_not_startable"]

#: The kernel looks no further for the end of a first line (bytes; its BINPRM_BUF_SIZE).
_LOOKED_AT = 256

_PROGRAM = b"\x7fELF"

#: Nothing but these ends the name of an interpreter.
_INTERPRETER = re.compile(rb"#![ \t]*([^ \t\n\0]*)")


def why_not_startable(executable: str) -> str:
    """Say why a regular file with permission to be executed cannot be; "" if nothing is known against it.

    One that cannot be read is not judged, nor is one whose interpreter is named by a relative path. Blocks.
    """
    try:
        with open(executable, "rb") as file:
            beginning = file.read(_LOOKED_AT)
    except OSError:
        return ""
    error = _foreseen(beginning)
    return why_not_started(executable, error) if error is not None else ""


def _foreseen(beginning: bytes) -> OSError | None:
    """The error of starting what begins like this."""
    if beginning.startswith(_PROGRAM):
        return None
    named = _INTERPRETER.match(beginning)
    if named is None or not named[1] or named.end() >= _LOOKED_AT - 1:
        return OSError(errno.ENOEXEC, os.strerror(errno.ENOEXEC))
    interpreter = os.fsdecode(named[1])
    if not os.path.isabs(interpreter):
        return None
    if not os.path.exists(interpreter):
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not os.path.isfile(interpreter) or not os.access(interpreter, os.X_OK):
        return PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return None
