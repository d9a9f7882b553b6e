# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between the queue and its scripts: their reports and its commands.

Reports of all scripts of the queue come in by one remote. Commands leave at
once, without waiting for what is being published; their acknowledgements are
waited for in tasks of their own, for longer than the core cares, because the
middleware may have been away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..bus import BusError
from ..core.effects import ConfigureScript, Effect, RunScript, SetGroupId, StopScript
from ..core.events import (
    Event,
    ScriptAnswered,
    ScriptDescriptionReported,
    ScriptMetadataReported,
    ScriptStateReported,
)
from ..core.limits import Limits
from ..core.needs import Description
from ..core.states import ScriptState
from ..core.views import VisitMetadata
from ..runtime import Runtime
from ..sal.errors import AckError, AckTimeoutError
from ..sal.remote import Remote
from .publishing import METADATA_FIELDS

__all__ = ["ScriptLink"]

#: A middleware that goes away for so long loses no answer (seconds).
_OUTAGE_S = 300.0

_KNOWN_STATES = frozenset(ScriptState)


class ScriptLink:
    """Carries out the commands to scripts; turns their reports into events.

    Parameters
    ----------
    runtime
        Who owns the commands that are under way, and where answers go.
    remote
        Remote of the component ``Script``, for all indices of the queue.
    limits
        How long answers are waited for.
    post
        Told of the reports of a script: its index, and the event.
    heartbeat
        Told of each heartbeat of a script: its index, and its process id.
    """

    def __init__(
        self,
        runtime: Runtime,
        remote: Remote,
        limits: Limits,
        post: Callable[[int, Event], None],
        heartbeat: Callable[[int, int], None],
    ) -> None:
        self._log = remote.log
        self._runtime = runtime
        self._remote = remote
        self._limits = limits
        self._post = post
        remote.evt_state.callback = self._state_reported
        remote.evt_metadata.callback = self._metadata_reported
        remote.evt_description.callback = self._description_reported
        remote.evt_heartbeat.callback = lambda data: heartbeat(data.salIndex, data.private_origin)

    @property
    def effects(self) -> Mapping[type[Effect], Callable[..., None]]:
        """What this edge carries out."""
        return {
            ConfigureScript: self._configure,
            SetGroupId: self._set_group_id,
            RunScript: self._run,
            StopScript: self._stop,
        }

    def _configure(self, effect: ConfigureScript) -> None:
        self._command(
            effect.index,
            effect.request,
            "configure",
            self._limits.configure_s,
            config=effect.config,
            logLevel=effect.log_level,
            pauseCheckpoint=effect.pause_checkpoint,
            stopCheckpoint=effect.stop_checkpoint,
            blockId=effect.block_id,
            executionId=effect.execution_id,
        )

    def _set_group_id(self, effect: SetGroupId) -> None:
        self._command(
            effect.index, effect.request, "setGroupId", self._limits.group_id_s, groupId=effect.group_id
        )

    def _run(self, effect: RunScript) -> None:
        # A script acknowledges `run` when it has ended, but a refusal comes at
        # once, and once the script reports RUNNING nobody asks any more.
        self._command(effect.index, effect.request, "run", self._limits.start_s)

    def _stop(self, effect: StopScript) -> None:
        self._command(effect.index, effect.request, "stop", self._limits.stop_s)

    def _command(self, index: int, request: int, name: str, timeout_s: float, **fields: Any) -> None:
        self._runtime.spawn(self._send(index, request, name, timeout_s, fields))

    async def _send(
        self, index: int, request: int, name: str, timeout_s: float, fields: dict[str, Any]
    ) -> None:
        command = self._remote.commands[name]
        try:
            ack = await command.set_start(timeout=timeout_s + _OUTAGE_S, salIndex=index, **fields)
        except AckTimeoutError:
            # The core has a time limit of its own for each question.
            return
        except BusError as error:
            # Nor does the core hear of this otherwise than by its time limit.
            self._log.error("script %d: the command %s was not sent: %s", index, name, error)
            return
        except AckError as error:
            answer = ScriptAnswered(self._runtime.now(), index, request, False, error.ackcmd.result)
        else:
            answer = ScriptAnswered(self._runtime.now(), index, request, True, ack.result)
        self._runtime.post(answer)

    def _state_reported(self, data: Any) -> None:
        if data.state not in _KNOWN_STATES:
            return
        self._post(
            data.salIndex,
            ScriptStateReported(
                self._runtime.now(),
                data.salIndex,
                ScriptState(data.state),
                data.reason,
                data.private_origin,
                self._runtime.time_of(data.private_sndStamp),
            ),
        )

    def _description_reported(self, data: Any) -> None:
        self._post(
            data.salIndex,
            ScriptDescriptionReported(
                self._runtime.now(),
                data.salIndex,
                Description(data.resources, data.remotes),
                data.private_origin,
                self._runtime.time_of(data.private_sndStamp),
            ),
        )

    def _metadata_reported(self, data: Any) -> None:
        fields = {field: getattr(data, name) for field, name in METADATA_FIELDS.items()}
        fields["position"] = tuple(data.position)
        self._post(
            data.salIndex,
            ScriptMetadataReported(
                self._runtime.now(),
                data.salIndex,
                VisitMetadata(**fields),
                data.private_origin,
                self._runtime.time_of(data.private_sndStamp),
            ),
        )
