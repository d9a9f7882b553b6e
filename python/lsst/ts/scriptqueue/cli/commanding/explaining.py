# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``explain``: which slot a script goes to, what it needs, and which rule says so. No command is sent."""

from __future__ import annotations

import asyncio
from typing import Any

from ...configuration import (
    ConfigurationError,
    Explanation,
    default_folder,
    explain,
    explain_all,
    read_configuration,
)
from .arguments import Order
from .client import Client, Interest, NoQueueError
from .feed import Board
from .kinds import SCRIPT_KIND
from .outcomes import Exit
from .reports import Report
from .wording import as_json

__all__ = ["INTEREST", "explanation", "wait_for_scripts"]

#: What must be heard to know which scripts there are.
INTEREST = Interest(
    queue=("availableScripts", "heartbeat", "summaryState"), scripts=(), talks_to_scripts=False
)

#: How long that may take once the queue is heard (seconds).
_LISTING_S = 2.0


async def wait_for_scripts(client: Client) -> None:
    """Wait until the queue has told which scripts there are, as it does when it is enabled.

    Raises
    ------
    NoQueueError
        If there is no queue, or it has not told.
    """
    with client.feed.listening() as events:
        await client.hear()
        try:
            async with asyncio.timeout(_LISTING_S):
                while "availableScripts" not in client.feed.board.latest:
                    await events.get()
        except TimeoutError:
            raise NoQueueError(
                f"ScriptQueue:{client.index} has not told which scripts there are; it does when it is enabled"
            ) from None


def explanation(order: Order, board: Board) -> tuple[Exit, Report]:
    """Explain one script, or all that are available. Blocks to read the configuration.

    Parameters
    ----------
    order
        What was asked.
    board
        What is known of the queue.
    """
    values = order.values
    everything, path = values.get("all", False), values.get("path")
    if everything == ("kind" in values) or (not everything and path is None):
        return _fault(order, Exit.USAGE, "name a script, such as standard sleep.py, or --all")
    try:
        folder = default_folder(values.get("config_dir"))
        configuration = read_configuration(folder, values.get("override", ""))
    except ConfigurationError as error:
        return _fault(order, Exit.REFUSED, str(error))
    if not everything:
        said = explain(configuration, values["kind"], values["path"], values.get("config", ""))
        if order.as_json:
            return Exit.COMPLETE, Report(out=(as_json(_as_data(said)),))
        return Exit.COMPLETE, Report(out=tuple(_lines(said)))
    scripts = [(kind == "standard", path) for kind in SCRIPT_KIND.choices for path in board.available(kind)]
    all_said = explain_all(configuration, scripts)
    if order.as_json:
        return Exit.COMPLETE, Report(out=(as_json({"scripts": [_as_data(said) for said in all_said]}),))
    return Exit.COMPLETE, Report(out=tuple(_table(all_said)))


def _fault(order: Order, status: Exit, text: str) -> tuple[Exit, Report]:
    if order.as_json:
        data = {"command": order.form.name, "exit": int(status), "result": text}
        return status, Report(out=(as_json(data),))
    return status, Report(err=(f"{order.form.name}: {text}",))


def _lines(said: Explanation) -> list[str]:
    rows = {
        "script": f"{said.kind} {said.path}",
        "slot": said.slot_in_words,
        "resources": said.resources_in_words,
        "rule": said.rule or "none speaks for it",
        "warning": said.warning,
    }
    return [f"{name:<10} {text}" for name, text in rows.items() if text]


def _table(all_said: list[Explanation]) -> list[str]:
    alone = sum(said.is_exclusive for said in all_said)
    rows = [("script", "slot", "resources", "rule")]
    rows += [
        (f"{said.kind} {said.path}", said.slot, said.resources or _depends(said), said.rule)
        for said in all_said
    ]
    # What is needed can be a long list, and comes last so that the rest stays readable.
    widths = [max(len(row[column]) for row in rows) for column in (0, 1, 3)]
    return [
        f"{alone} of {len(all_said)} scripts run alone, as far as the configuration tells; they come first",
        "",
        *(
            f"{script:<{widths[0]}}  {slot:<{widths[1]}}  {rule or '-':<{widths[2]}}  {resources}"
            for script, slot, resources, rule in rows
        ),
    ]


def _depends(said: Explanation) -> str:
    return "as it declares itself" if said.is_by_itself else "as it is configured"


def _as_data(said: Explanation) -> dict[str, Any]:
    return {
        "isStandard": said.is_standard,
        "path": said.path,
        "slot": said.slot,
        "slotInWords": said.slot_in_words,
        "resources": said.resources,
        "resourcesInWords": said.resources_in_words,
        "rule": said.rule,
        "exclusive": said.is_exclusive,
        "warning": said.warning,
    }
