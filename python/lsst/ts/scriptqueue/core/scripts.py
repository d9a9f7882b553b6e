# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the queue knows of one script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .commands import AddScript
from .concerns import CONCERN_PHASES, DEAFENING, EXPLAINED_BY, Concern
from .holdings import Obstacle
from .last_words import exit_reason
from .needs import Description, Needs
from .phases import FAILED_PHASES, PLACE, Phase, Place
from .states import ProcessState, ScriptState
from .stories import Story
from .views import ScriptRecord, ScriptView, VisitMetadata

__all__ = ["Full", "Membership", "Reason", "Script"]

#: More lines than one event adds to a story.
_LATEST_LINES = 50

#: What is said first.
_RANK = {concern: rank for rank, concern in enumerate(Concern)}

_UNBIDDEN_PHASES = frozenset({Phase.STRAYING, Phase.DROPPING})
_ACTIVE_STATES = frozenset(
    {
        ScriptState.RUNNING,
        ScriptState.PAUSED,
        ScriptState.ENDING,
        ScriptState.STOPPING,
        ScriptState.FAILING,
    }
)
#: Ended, by its own word, with a process that is still there.
_EXITING_PHASES = frozenset({Phase.FAILED, Phase.LEAVING})
_BAD_STATES = frozenset({ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})
_BAD_ENDINGS = frozenset({ProcessState.LOADFAILED, ProcessState.CONFIGURE_FAILED})


@dataclass(frozen=True, slots=True)
class Membership:
    """A script's place in an execution of a block.

    Attributes
    ----------
    block_id
        Id of the execution.
    position
        Place in it, from 0.
    size
        How many scripts the execution has.
    """

    block_id: str
    position: int
    size: int


class Full(NamedTuple):
    """That a slot has no place left: its name, who has them, and whether one of those has failed."""

    slot: str
    taken: tuple[int, ...]
    has_failed: bool


#: Why a script waits: in words, or what is in its way or in its slot, of which
#: words are made only when it has changed.
Reason = str | Full | tuple[Obstacle, ...]


@dataclass(slots=True, eq=False)
class Script:
    """A script, from `add` until it is forgotten.

    Attributes
    ----------
    index
        SAL index.
    wish
        What was asked for.
    slot
        Name of the slot it is in, or was.
    command_id, cmd_id
        The command that added it: number at the edge, and on the wire.
    added_by
        Who gave that command.
    needs
        Which resources it needs.
    order
        How many scripts were added before it.
    is_routed
        Was it put into its slot by a rule, and not by whoever added it?
    phase
        Where it is in its life; changed by `life.advance` only.
    phase_since_tai
        Since when.
    admitted_tai
        When it was admitted; 0 if it was not.
    waits_because, waiting_for
        Why it waits, as the walk found it and in words; "" if it does not.
    phase_account
        What `reasons` last said of it for being in a phase, and which.
    description
        What it says of its resources; None until it has.
    process_state
        As published, once its process has gone.
    script_state
        As published.
    ending
        Process state it will have in the history, once that is decided.
    reason
        Why it ended as it did, for people.
    output_tail
        What its process printed last.
    exit_code, signal
        How its process ended; None if it has not, or not so.
    ended_unseen
        Did that happen while no queue was there? On DDS what it said last is
        lost then.
    question
        Request number of the command or time limit that is outstanding for
        its phase; answers to any other are late and mean nothing.
    tries
        How often the current question was asked.
    group_id
        The group id it was given; "" if none.
    visit
        The group id under which it is announced as next visit, as long as
        the visit has neither begun nor been taken back; "" if none.
    added_tai
        When it was added.
    launched_tai
        When its process was asked for; nothing sent before can be its own.
    launches
        How often that was done anew because its process was lost.
    identity
        What the edge needs to find its process again.
    origin
        Process id from which its reports come; 0 until the first.
    concerns
        What is wrong with it as it lives, and the words for it.
    state_since_tai
        When it reported its state.
    paused_s
        How long it was paused, in pauses that are over.
    """

    index: int
    wish: AddScript
    slot: str
    command_id: int
    cmd_id: int
    added_tai: float
    membership: Membership | None = None
    added_by: str = ""
    needs: Needs = field(default_factory=Needs)
    order: int = 0
    is_routed: bool = False
    phase: Phase = Phase.LAUNCHING
    phase_since_tai: float = 0.0
    admitted_tai: float = 0.0
    waits_because: Reason = ""
    waiting_for: str = ""
    phase_account: tuple[Phase | None, str] = (None, "")
    description: Description | None = None
    process_state: ProcessState = ProcessState.LOADING
    script_state: ScriptState = ScriptState.UNKNOWN
    ending: ProcessState | None = None
    reason: str = ""
    output_tail: str = ""
    exit_code: int | None = None
    signal: int | None = None
    ended_unseen: bool = False
    question: int = 0
    tries: int = 0
    group_id: str = ""
    visit: str = ""
    metadata: VisitMetadata | None = None
    pid: int = 0
    origin: int = 0
    launched_tai: float = 0.0
    launches: int = 0
    identity: str = ""
    process_start_tai: float = 0.0
    configure_start_tai: float = 0.0
    configure_end_tai: float = 0.0
    run_start_tai: float = 0.0
    process_end_tai: float = 0.0
    story: Story = field(default_factory=Story)
    concerns: dict[Concern, str] = field(default_factory=dict)
    state_since_tai: float = 0.0
    paused_s: float = 0.0

    @property
    def place(self) -> Place:
        return PLACE[self.phase]

    @property
    def key(self) -> str:
        """Its name for ever: indices are used again."""
        return f"{self.index}-{int(self.added_tai * 1000)}"

    @property
    def launch_id(self) -> str:
        """The name of its launch: no two have the same."""
        return f"{self.key}-{self.launches}"

    @property
    def has_told_all(self) -> bool:
        """Has it said all that is waited for when it is configured?"""
        return self.metadata is not None and self.description is not None

    @property
    def runs_unbidden(self) -> bool:
        """Does it run although it waits? It is being stopped then, or killed."""
        return self.phase in _UNBIDDEN_PHASES and self.script_state in _ACTIVE_STATES

    @property
    def ended_badly(self) -> bool:
        """Has it failed, by its own word or by the queue's?"""
        return self.script_state in _BAD_STATES or self.ending in _BAD_ENDINGS

    @property
    def account(self) -> str:
        """Its reason, with all that it printed last if it ended badly."""
        if not self.output_tail or not self.ended_badly:
            return self.reason
        return f"{self.reason or 'it ended'}; it printed last: {self.output_tail}"

    @property
    def exit_reason(self) -> str:
        """Its reason, with the gist of what it printed last if it ended badly; "" if it has not ended."""
        if self.place is not Place.HISTORY and self.phase not in FAILED_PHASES:
            return ""
        return exit_reason(self.reason, self.output_tail if self.ended_badly else "")

    @property
    def told_process_state(self) -> ProcessState:
        """What its process is called on the wire: DONE only when it has gone.

        Deployed clients take DONE to mean that ``timestampProcessEnd`` is set.
        """
        if self.process_state is not ProcessState.DONE or self.phase not in _EXITING_PHASES:
            return self.process_state
        if self.run_start_tai > 0:
            return ProcessState.RUNNING
        return ProcessState.CONFIGURED if self.configure_end_tai > 0 else ProcessState.LOADING

    @property
    def concern(self) -> str:
        """What is wrong with it, in words; "" if nothing is known to be."""
        return "; ".join(
            words
            for concern, words in sorted(self.concerns.items(), key=lambda item: _RANK[item[0]])
            if EXPLAINED_BY.get(concern) not in self.concerns
        )

    @property
    def _wait(self) -> str:
        """What it, or its place, waits for; "" if that is nothing."""
        if self.phase is Phase.DOUBTED:
            return "nobody knows whether it was told to run before the queue was started again: it is asked"
        return self.waiting_for if self.place is Place.WAITING else ""

    @property
    def deaf_because(self) -> str:
        """Why it hears nothing, in words; "" if it is not known to be deaf."""
        return next((words for concern, words in self.concerns.items() if concern in DEAFENING), "")

    def drop_concerns(self) -> None:
        """Forget what means nothing in the phase that it is in now."""
        for concern in list(self.concerns):
            if self.phase not in CONCERN_PHASES[concern]:
                del self.concerns[concern]

    def speaks(self, origin: int, sent_tai: float) -> bool:
        """Does a report come from this script's own process?

        An earlier process of the same index may have left reports behind. The
        process that was started is always believed; a script behind a wrapper
        has another process id, which is learned from its first report, if
        that was sent after the script was launched. (The start is heard of a
        little after it happened, so a quick script may have reported by then.)
        """
        if self.process_start_tai == 0:
            return False
        if origin != self.pid and (origin != self.origin if self.origin else sent_tai < self.launched_tai):
            return False
        self.origin = origin
        return True

    def record(self) -> ScriptRecord:
        """What a history keeps of it."""
        return ScriptRecord(
            key=self.key,
            view=self.view(),
            config=self.wish.config,
            added_tai=self.added_tai,
            added_by=self.added_by,
            group_id=self.group_id,
            exit_code=self.exit_code,
            signal=self.signal,
            output_tail=self.output_tail,
            lines_told=self.story.told,
            latest_lines=tuple(self.story.lines[-_LATEST_LINES:]),
        )

    def view(self) -> ScriptView:
        """What is published of it."""
        member = self.membership
        return ScriptView(
            index=self.index,
            cmd_id=self.cmd_id,
            is_standard=self.wish.is_standard,
            path=self.wish.path,
            process_start_tai=self.process_start_tai,
            configure_start_tai=self.configure_start_tai,
            configure_end_tai=self.configure_end_tai,
            run_start_tai=self.run_start_tai,
            process_end_tai=self.process_end_tai,
            process_state=self.told_process_state,
            script_state=self.script_state,
            block_id=member.block_id if member else "",
            block_index=member.position if member else 0,
            block_size=member.size if member else 0,
            execution_id=self.wish.execution_id,
            slot=self.slot,
            resources="" if self.needs.claim is None else str(self.needs.claim),
            waiting_for=self._wait,
            exit_reason=self.exit_reason,
            concern=self.concern if self.concerns else "",
        )
