# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The children: from spawn or adoption to the taking of their exit.

The rules:

* A child leads a session and a group of its own. It is signalled only while its
  number cannot mean anybody else: until it is reaped, or, if it is not the
  keeper's own child, while its pidfd says so.
* Its end comes in this order: the leader ends and stays a zombie; the rest of
  its group and whatever else it left behind are killed and waited for; the
  leader is reaped; its exit is told, and kept until it is taken.
* An adopted child was started by a keeper that was killed. How it ends cannot
  be known, but that it ends is seen, and all else holds for it, too.
* A launch id is launched once, whatever is asked how often.
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
from collections.abc import Callable, Generator, Mapping, Sequence

from .boot_clock import boot_s
from .identity import Identity, identity_of
from .leftovers import Pause, find_launch, hunt
from .poll import Poll
from .spawning import open_output, spawn, why_not_started
from .work import drive

__all__ = ["TRANSITIONS", "Child", "Children", "LaunchRefused", "On", "Phase", "signal_name"]


def signal_name(number: int) -> str:
    """Name a signal; those that have no name, by its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class LaunchRefused(RuntimeError):
    """A child could not be started; the text says why."""


class Phase(enum.Enum):
    """How far a child has come."""

    RUNNING = enum.auto()
    #: It got SIGTERM.
    ENDING = enum.auto()
    #: It got SIGKILL.
    KILLED = enum.auto()
    #: Its leader has ended, and what it left behind is being ended.
    LEAVING = enum.auto()
    #: Nothing is left of it but its exit, which nobody has taken yet.
    EXITED = enum.auto()


class On(enum.Enum):
    """What happens to a child."""

    ASKED_TO_END = enum.auto()
    GRACE_OVER = enum.auto()
    LEADER_ENDED = enum.auto()
    ALL_ENDED = enum.auto()


#: What is missing is illegal.
TRANSITIONS = {
    (Phase.RUNNING, On.ASKED_TO_END): Phase.ENDING,
    (Phase.RUNNING, On.LEADER_ENDED): Phase.LEAVING,
    (Phase.ENDING, On.GRACE_OVER): Phase.KILLED,
    (Phase.ENDING, On.LEADER_ENDED): Phase.LEAVING,
    (Phase.KILLED, On.LEADER_ENDED): Phase.LEAVING,
    (Phase.LEAVING, On.ALL_ENDED): Phase.EXITED,
}


class Child:
    """A child.

    Attributes
    ----------
    launch_id, sal_index, output_path
        As in the request.
    identity
        The process that leads it.
    pidfd
        Its pidfd; None from when it has ended.
    phase
        How far it has come.
    exit_code, signal
        How it ended; both None if that is not known.
    ended_at_s
        When its leader ended, on the clock of `boot_s`; None if it has not, or nobody saw it.
    """

    __slots__ = (
        "ended_at_s", "exit_code", "identity", "launch_id", "output_path", "phase", "pidfd",
        "sal_index", "signal",
    )  # fmt: skip

    def __init__(self, launch_id: str, sal_index: int, output_path: str, identity: Identity) -> None:
        self.launch_id = launch_id
        self.sal_index = sal_index
        self.output_path = output_path
        self.identity = identity
        self.pidfd: int | None = None
        self.phase = Phase.RUNNING
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.ended_at_s: float | None = None

    def __str__(self) -> str:
        return f"script {self.sal_index}, process {self.identity.pid}, launch {self.launch_id},"

    @property
    def is_living(self) -> bool:
        """Whether its exit has not been told yet."""
        return self.phase is not Phase.EXITED

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        if self.exit_code is not None:
            return f"has ended with exit code {self.exit_code}"
        if self.signal is not None:
            return f"was ended by {signal_name(self.signal)}"
        return "has ended; how is not known, because another keeper had started it"

    def move(self, on: On) -> None:
        """Move to the next phase.

        Raises
        ------
        RuntimeError
            If there is none.
        """
        if (self.phase, on) not in TRANSITIONS:
            raise RuntimeError(f"{self.launch_id} is {self.phase.name}: {on.name} cannot happen to it")
        self.phase = TRANSITIONS[self.phase, on]


class Children:
    """Owns all children.

    Parameters
    ----------
    poll
        Who waits.
    told
        Told of each exit.
    say
        Told what an operator should know.

    Attributes
    ----------
    spared
        Process ids of children of this process that somebody else reaps.
    """

    def __init__(self, poll: Poll, told: Callable[[Child], None], say: Callable[[str], None]) -> None:
        self._poll = poll
        self._told = told
        self._say = say
        self.spared: set[int] = set()
        self._children: dict[str, Child] = {}
        self._left: list[Child] = []
        self._hunting: Generator[Pause, None, bool] | None = None
        self._hunted: list[Child] = []

    def __iter__(self) -> Generator[Child, None, None]:
        yield from self._children.values()

    @property
    def are_living(self) -> bool:
        """Whether there is one whose exit has not been told yet."""
        return any(child.is_living for child in self)

    def get(self, launch_id: str) -> Child | None:
        """Return the child of a launch, living or not."""
        return self._children.get(launch_id)

    def start(
        self,
        launch_id: str,
        sal_index: int,
        command: Sequence[str],
        environment: Mapping[str, str],
        cwd: str,
        output_path: str,
    ) -> Child:
        """Start a child that there is not yet.

        Raises
        ------
        LaunchRefused
            If it cannot be started; nothing is left then.
        """
        if not os.path.isdir(cwd):
            raise LaunchRefused(f"the working directory {cwd} is gone")
        try:
            output = open_output(output_path)
        except OSError as error:
            folder = os.path.dirname(output_path)
            raise LaunchRefused(f"no output file can be made in {folder}: {error.strerror}") from None
        try:
            pid = spawn(command, environment, cwd, output, session=True)
        except (OSError, ValueError) as error:
            if os.fstat(output).st_size == 0:
                os.unlink(output_path)
            raise LaunchRefused(why_not_started(command[0], error)) from None
        finally:
            os.close(output)
        try:
            child = Child(launch_id, sal_index, output_path, identity_of(pid))
            child.pidfd = os.pidfd_open(pid)
        except OSError as error:
            # It could never be ended, so it must not live.
            os.killpg(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED)
            raise LaunchRefused(f"{command[0]} cannot be watched: {error.strerror}") from None
        self._own(child)
        return child

    def adopt(self, launch_id: str, sal_index: int, output_path: str, identity: Identity) -> Child:
        """Take charge of a process that a former keeper has started.

        One that has gone meanwhile counts as one that ends now, and is told
        as one. A process which has only its number in common is not touched.

        Raises
        ------
        LaunchRefused
            If it lives and cannot be watched.
        """
        child = Child(launch_id, sal_index, output_path, identity)
        child.pidfd = _pidfd_of(identity)
        self._own(child)
        return child

    def find(self, launch_id: str) -> Generator[Pause, None, Identity | None]:
        """Look among all processes for the one that a launch has started."""
        pid = yield from find_launch(launch_id)
        try:
            return None if pid is None else identity_of(pid)
        except ProcessLookupError:
            return None

    def terminate(self, child: Child, kill_after_s: float) -> None:
        """End a child: SIGTERM, a wait, SIGKILL. Asked again, it can only come sooner."""
        if child.phase is Phase.RUNNING:
            child.move(On.ASKED_TO_END)
            self._signal(child, signal.SIGTERM)
            # One that was stopped with SIGSTOP could not act on it otherwise.
            self._signal(child, signal.SIGCONT)
            self._poll.after(kill_after_s, child, lambda: self._kill(child))
        elif child.phase is Phase.ENDING and kill_after_s == 0:
            self._kill(child)

    def forget(self, child: Child) -> None:
        """Forget a child whose exit has been taken."""
        if child.is_living:
            raise RuntimeError(f"{child.launch_id} is {child.phase.name}: its exit cannot have been taken")
        del self._children[child.launch_id]

    def reap_orphans(self) -> None:
        """Reap what has ended and is no child, such as what scripts have left to the keeper.

        A child's leader among them stays a zombie until it is its turn; what is
        behind it in the kernel's list is reaped after that.
        """
        ours = self.spared | {child.identity.pid for child in self if child.is_living}
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None or ended.si_pid in ours:
                return
            os.waitid(os.P_PID, ended.si_pid, os.WEXITED | os.WNOHANG)

    def _own(self, child: Child) -> None:
        self._children[child.launch_id] = child
        if child.pidfd is None:
            self._leader_ended(child)
        else:
            self._poll.watch(child.pidfd, lambda: self._leader_ended(child))

    def _kill(self, child: Child) -> None:
        if child.phase is Phase.ENDING:
            self._poll.cancel(child)
            child.move(On.GRACE_OVER)
            self._say(f"{child} has not ended by SIGTERM and gets SIGKILL")
            self._signal(child, signal.SIGKILL)

    def _signal(self, child: Child, number: signal.Signals) -> None:
        """Send a signal to a child and its group."""
        if child.pidfd is None:
            return
        try:
            # Fails if it has gone, and the number may mean another group by now.
            signal.pidfd_send_signal(child.pidfd, 0)
            try:
                os.killpg(child.identity.pid, number)
            except ProcessLookupError:
                # An adopted process need not lead a group.
                signal.pidfd_send_signal(child.pidfd, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            self._say(f"{child} runs as another user, so {number.name} cannot end it")

    def _leader_ended(self, child: Child) -> None:
        self._poll.cancel(child)
        child.move(On.LEADER_ENDED)
        if child.pidfd is not None:
            child.ended_at_s = boot_s()
            self._poll.unwatch(child.pidfd)
        self._left.append(child)
        # Not at once: what ends in the same moment shares one look at all processes.
        self._poll.after(0, "hunt", self._hunt)

    def _hunt(self) -> None:
        """End what those that have ended left behind, all together."""
        if self._hunting is not None or not self._left:
            return
        self._hunted, self._left[:] = self._left[:], []
        self._hunting = hunt({child.launch_id: _group_of(child) for child in self._hunted})
        drive(self._poll, self._hunting, self._have_hunted)

    def _have_hunted(self, gone: bool) -> None:
        if not gone:
            indices = ", ".join(str(child.sal_index) for child in self._hunted)
            self._say(f"not all processes that these scripts have left behind could be killed: {indices}")
        hunted, self._hunting, self._hunted = self._hunted, None, []
        for child in hunted:
            self._reap(child)
        self.reap_orphans()
        self._hunt()

    def _reap(self, child: Child) -> None:
        ended = None
        if child.pidfd is not None:
            # Not by its number: that of an adopted one may have become that of another child.
            with contextlib.suppress(ChildProcessError):
                ended = os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED | os.WNOHANG)
        if ended is not None and ended.si_code == os.CLD_EXITED:
            child.exit_code = ended.si_status
        elif ended is not None:
            child.signal = ended.si_status
        if child.pidfd is not None:
            os.close(child.pidfd)
            child.pidfd = None
        child.move(On.ALL_ENDED)
        self._told(child)


def _pidfd_of(identity: Identity) -> int | None:
    """Open the pidfd of exactly this process."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        raise LaunchRefused(f"process {identity.pid} cannot be watched: {error.strerror}") from None
    # Only now, when the descriptor holds on to whoever it is.
    if _is(identity):
        return descriptor
    os.close(descriptor)
    return None


def _group_of(child: Child) -> int | None:
    """Return the group of a child whose leader has ended, or None if the number may mean another.

    The number stays taken for as long as the leader is not reaped or others are
    in its group. That nobody else had it meanwhile is sure only of one whose
    end was seen.
    """
    if child.pidfd is None:
        return None
    try:
        return child.identity.pid if identity_of(child.identity.pid) == child.identity else None
    except ProcessLookupError:
        return child.identity.pid


def _is(identity: Identity) -> bool:
    try:
        return identity_of(identity.pid) == identity
    except ProcessLookupError:
        return False
