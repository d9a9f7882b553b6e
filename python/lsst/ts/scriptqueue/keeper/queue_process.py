# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue as a child of the keeper, which is process 1 of a container then.

A queue that ends otherwise than planned is started again, at once the first
time, and after a pause that doubles for as long as it does not live long.
A planned end, with exit code 0 or after a SIGTERM, is the keeper's end too.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence

from .children import signal_name
from .poll import Poll
from .service import Service, Stage
from .spawning import spawn, why_not_started

__all__ = ["QueueProcess"]

#: The pause after the second quick end in a row, and the longest, in seconds.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0

#: An end is a quick one if the queue has not lived so long, in seconds.
_QUICK_S = 60.0


class QueueProcess:
    """Starts the queue, and starts it again.

    Parameters
    ----------
    command
        Program and arguments; the program is looked for as a shell does.
    poll
        Who waits.
    service
        The service, which is closed with the queue.
    say
        Told what an operator should know.

    Attributes
    ----------
    status
        Exit status for this process: that of the last queue.
    is_over
        Whether no queue runs, and none will be started.
    """

    def __init__(
        self, command: Sequence[str], poll: Poll, service: Service, say: Callable[[str], None]
    ) -> None:
        self.status = 0
        self.is_over = False
        self._command = [_found(command[0]), *command[1:]]
        self._cwd = os.getcwd()
        self._poll = poll
        self._service = service
        self._say = say
        self._pid: int | None = None
        self._pidfd = -1
        self._began = 0.0
        self._pause_s = 0.0
        self._is_to_stop = False

    def start(self) -> None:
        """Start the queue."""
        self._began = time.monotonic()
        if self._service.stage is not Stage.OPEN:
            self._service.open_again()
        try:
            self._pid = spawn(self._command, os.environ, self._cwd, None, session=False)
            self._pidfd = os.pidfd_open(self._pid)
        except OSError as error:
            self._say(why_not_started(self._command[0], error))
            self._start_later()
            return
        self._service.children.spared.add(self._pid)
        self._say(f"the queue is started, as process {self._pid}")
        self._poll.watch(self._pidfd, self._ended)

    def stop(self) -> None:
        """Ask the queue to make its planned stop, and do not start it again."""
        self._is_to_stop = True
        self._poll.cancel(self)
        if self._pid is None:
            self._finish()
        else:
            os.kill(self._pid, signal.SIGTERM)

    def _ended(self) -> None:
        assert self._pid is not None
        self._poll.unwatch(self._pidfd)
        os.close(self._pidfd)
        ended = os.waitid(os.P_PID, self._pid, os.WEXITED)
        self._service.children.spared.discard(self._pid)
        by_exit = ended is not None and ended.si_code == os.CLD_EXITED
        number = 0 if ended is None else ended.si_status
        self.status = number if by_exit else 128 + number
        pid, self._pid = self._pid, None
        how = f"with exit code {number}" if by_exit else f"by {signal_name(number)}"
        if self._is_to_stop or self.status == 0:
            self._say(f"the queue, process {pid}, has ended as planned, {how}")
            self._finish()
        else:
            self._say(f"the queue, process {pid}, has ended unasked, {how}")
            self._start_later()

    def _start_later(self) -> None:
        if time.monotonic() - self._began >= _QUICK_S:
            self._pause_s = 0.0
        pause_s = self._pause_s
        self._pause_s = min(max(_PAUSE_S, 2 * pause_s), _LONGEST_PAUSE_S)
        self._say(f"the queue is started again in {pause_s:g} s")
        self._poll.after(pause_s, self, self.start)

    def _finish(self) -> None:
        self.is_over = True
        self._service.close(self._service.kill_after_s, "there will be no other queue")


def _found(program: str) -> str:
    """Return the path of a program, or its name where there is none."""
    if os.sep in program:
        return os.path.abspath(program)
    for folder in os.get_exec_path():
        path = os.path.join(folder, program)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return program
