# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a program as a child of the keeper, and saying why one could not be started."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
from collections.abc import Mapping, Sequence

__all__ = ["open_output", "spawn", "why_not_started"]

#: What the keeper ignores or Python does, a child must not inherit.
_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT)


def open_output(path: str) -> int:
    """Open the output file of a script, with the lock that every writer of it inherits.

    Its folder is made if it is not there.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o644)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.dirname(path))
        descriptor = os.open(path, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # Some network file systems have no locks: then only a service's own files are safe.
        pass
    return descriptor


def spawn(
    command: Sequence[str], environment: Mapping[str, str], cwd: str, output: int | None, *, session: bool
) -> int:
    """Start a child; returns its process id when its program has been executed.

    It inherits no descriptor but the standard ones: all others of the keeper
    are closed at an execution. It would also take the keeper's working
    directory, so that is changed for the moment of the start.

    Parameters
    ----------
    command
        Absolute path of the executable, and its arguments.
    environment
        The whole environment.
    cwd
        Its working directory.
    output
        Descriptor for its stdout and stderr, or None for those of the keeper.
    session
        Whether it leads a session and group of its own, and reads ``/dev/null``.

    Raises
    ------
    OSError
        If it could not be executed; no child is left.
    ValueError
        If an argument or variable cannot be passed.
    """
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = []
    if session:
        actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    if output is not None:
        actions += [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(cwd)
        return os.posix_spawn(
            command[0],
            [*command],
            environment,
            file_actions=actions,
            setsid=session,
            setsigmask=(),
            setsigdef=_SIGNALS,
        )
    finally:
        os.fchdir(here)
        os.close(here)


def why_not_started(executable: str, error: OSError | ValueError) -> str:
    """Say why a program could not be executed, and what would help."""
    if isinstance(error, FileNotFoundError) and os.path.exists(executable):
        try:
            with open(executable, "rb") as file:
                first = file.readline(200).decode(errors="replace").rstrip("\n")
        except OSError:
            first = ""
        if first.endswith("\r"):
            return (
                f"{executable} cannot be started: its lines end as on Windows, so the interpreter is "
                f"not found; convert it with: sed -i 's/\\r$//' {executable}"
            )
        return (
            f"{executable} cannot be started: the interpreter of its first line, {first!r}, "
            "does not exist; name one that does, such as #!/usr/bin/env python3"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return (
            f"{executable} cannot be started: it is neither a program nor begins with a line such as "
            "#!/usr/bin/env python3; add one"
        )
    if isinstance(error, PermissionError) and os.access(executable, os.X_OK):
        return (
            f"{executable} cannot be started: the interpreter of its first line may not be executed, "
            "or its file system is mounted noexec"
        )
    if isinstance(error, PermissionError):
        return f"{executable} cannot be started: it is not executable; make it so with: chmod +x {executable}"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{executable} cannot be started: {reason}"
