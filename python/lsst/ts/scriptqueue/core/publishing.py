# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published after an event: the queue first, then changed scripts.

Clients drop what they hear of a script that no ``queue`` event has listed,
so the order matters. Whatever an event did is published as one step. Of
scripts that the queue lists no more nothing is said.
"""

from __future__ import annotations

from .effects import Effect, PublishQueue, PublishScript
from .ledger import Ledger
from .views import QueueView

__all__ = ["collect", "queue_view"]


def queue_view(ledger: Ledger) -> QueueView:
    """The queue as it is now."""
    main = ledger.main
    return QueueView(
        enabled=ledger.enabled,
        running=main.pause is None,
        current=main.current[0] if main.current else 0,
        waiting=tuple(main.waiting),
        past=tuple(ledger.history[: ledger.limits.history]),
    )


def collect(ledger: Ledger) -> list[Effect]:
    """The effects of the event just handled, in the order they go out."""
    published: list[Effect] = []
    view = queue_view(ledger)
    if view != ledger.shown_queue or ledger.queue_asked:
        published.append(PublishQueue(view, force=view == ledger.shown_queue))
        ledger.shown_queue = view
    unlisted = ledger.unlisted
    for index in ledger.changed:
        if index in unlisted:
            continue
        script_view = ledger.scripts[index].view()
        if script_view != ledger.shown_scripts.get(index):
            ledger.shown_scripts[index] = script_view
            published.append(PublishScript(script_view))
    effects = published + ledger.effects
    ledger.changed.clear()
    ledger.queue_asked = False
    ledger.effects = []
    return effects
