# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published after an event: the queue first, the slots, then changed scripts.

Clients drop what they hear of a script that no ``queue`` event has listed,
so the order matters. Whatever an event did is published as one step. Of
scripts that the queue lists no more nothing is said. Of one whose process is
being started nothing is said yet, so that its first event says when that was;
nor of a waiting one whose process has gone and whose last words may be on the
way, so that the event that says when it went says how it ended.

The ``queue`` event was made for one slot. Clients that know of no others
follow only scripts that it lists, waiting, current, or among the latest that
have ended; and a queue that has main free of scripts is taken for idle only
if it lists none as waiting. So, unless it is configured otherwise, scripts of
other slots are listed behind the waiting ones of main; while main is free
they are listed before those that have ended. Where there is only main, a
script is published only for what such clients know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from . import reasons
from .effects import Effect, PublishQueue, PublishScript, PublishSlots
from .layout import LegacyQueue
from .ledger import Ledger
from .limits import MAX_LISTED
from .phases import PLACED_PHASES, Phase
from .slots import Slot
from .views import REMEMBERED, QueueView, SlotsView, SlotView

__all__ = ["collect", "collect_words", "queue_view", "slots_view"]

#: Phases in which nothing is said of a script.
_UNTOLD = frozenset({Phase.LAUNCHING, Phase.ABANDONED, Phase.LOST_WAITING, Phase.LOST_AWAY})


def queue_view(ledger: Ledger) -> QueueView:
    """The queue as it is now."""
    main = ledger.main
    current = main.current[0] if main.current else 0
    past = tuple(ledger.history[: ledger.limits.history])
    others: tuple[int, ...] = ()
    if not ledger.is_serial and ledger.layout.legacy_queue is not LegacyQueue.MAIN_ONLY:
        others = _live_beside_main(ledger)
    if not ledger.is_serial:
        yields = ledger.layout.legacy_queue is LegacyQueue.YIELDING and not (current or main.waiting)
        first = others if yields else ()
        past = (*first, *_exiting_first(ledger, past, REMEMBERED - len(first)))[:MAX_LISTED]
        others = () if yields else others
    return QueueView(
        enabled=ledger.enabled,
        running=main.pause is None,
        current=current,
        waiting=(*main.waiting, *others),
        past=past,
    )


def slots_view(ledger: Ledger) -> SlotsView:
    """The slots as they are now."""
    return SlotsView(
        slots=tuple(
            SlotView(
                name=slot.name,
                capacity=slot.settings.capacity,
                is_eager=slot.settings.is_eager,
                running=slot.pause is None,
                pause_reason=reasons.paused(ledger, slot),
            )
            for slot in ledger.slots.values()
        ),
        scripts=tuple(
            [
                entry
                for number, slot in enumerate(ledger.slots.values())
                for entry in _in_slot(ledger, number, slot)
            ]
        ),
    )


def _in_slot(ledger: Ledger, number: int, slot: Slot) -> list[tuple[int, int, bool]]:
    """The scripts of a slot, with a place first: one just admitted is among the waiting until it runs."""
    scripts = ledger.scripts
    placed = [(index, number, True) for index in slot.current]
    others: list[tuple[int, int, bool]] = []
    for index in slot.waiting:
        has_place = scripts[index].phase in PLACED_PHASES
        (placed if has_place else others).append((index, number, has_place))
    return placed + others


def _live_beside_main(ledger: Ledger) -> tuple[int, ...]:
    _, *beside = ledger.slots.values()
    return tuple([index for slot in beside for index in (*slot.current, *slot.waiting)])


def _exiting_first(ledger: Ledger, past: tuple[int, ...], remembered: int) -> tuple[int, ...]:
    """Keep what is still to be said of an ended script among those that panels remember."""
    scripts = ledger.scripts
    exiting = [index for index in past if scripts[index].phase is Phase.LEAVING]
    late = set(exiting)
    if late <= set(past[: max(remembered, 0)]):
        return past
    return (*exiting, *[index for index in past if index not in late])


def collect(ledger: Ledger) -> list[Effect]:
    """The effects of the event just handled, in the order they go out."""
    listed: list[Effect] = []
    view, slots, shown = queue_view(ledger), slots_view(ledger), ledger.shown_queue
    if view != shown or ledger.queue_asked:
        listed.append(PublishQueue(view, force=view == shown))
    if slots != ledger.shown_slots or ledger.queue_asked:
        listed.append(PublishSlots(slots, force=slots == ledger.shown_slots))
    recalled = parting = frozenset[int]()
    if shown is not None and view != shown and not ledger.is_serial:
        before, after = shown.remembered, view.remembered
        recalled, parting = after - before, before - after
    ledger.shown_queue, ledger.shown_slots = view, slots
    # The last that is said of a script comes before panels forget it.
    effects = _scripts(ledger, [index for index in ledger.changed if index in parting])
    effects += listed
    staying = [index for index in ledger.changed if index not in parting]
    effects += _scripts(ledger, [*staying, *sorted(recalled - ledger.changed.keys())], recalled)
    effects += ledger.effects
    ledger.changed.clear()
    ledger.queue_asked = False
    ledger.effects = []
    return effects


def collect_words(ledger: Ledger) -> list[Effect]:
    """The effects of an event after which the queue and the slots look as before."""
    effects = _scripts(ledger, ledger.changed)
    effects += ledger.effects
    ledger.changed.clear()
    ledger.effects = []
    return effects


def _scripts(ledger: Ledger, indices: Iterable[int], recalled: Collection[int] = ()) -> list[Effect]:
    """What there is to tell of scripts; those that panels have forgotten and now list again are told anew."""
    published: list[Effect] = []
    unlisted, is_serial = ledger.unlisted, ledger.is_serial
    for index in indices:
        script = ledger.scripts.get(index)
        if script is None or index in unlisted or script.phase in _UNTOLD:
            continue
        view, shown = script.view(), ledger.shown_scripts.get(index)
        news = view.tells_clients_of_one_slot(shown) if is_serial else view != shown
        if news or index in recalled:
            ledger.shown_scripts[index] = view
            published.append(PublishScript(view, force=not news))
    return published
