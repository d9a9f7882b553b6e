# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``command_script_queue INDEX [COMMAND ...]``: commands a ScriptQueue, as a shell command or at a prompt."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..bus import BUS_KINDS, BusError
from ..sal.clock import SystemClock
from ..sal.domain import Domain
from .commanding.arguments import (
    COMMON,
    HelpWanted,
    Order,
    UsageError,
    add_parameter,
    help_on,
    overview,
    parse_order,
)
from .commanding.client import INDICES_PER_QUEUE, Client, Interest, NoQueueError, connect
from .commanding.dispatch import carry_out, interest_of
from .commanding.feed import Board, Event
from .commanding.forms import Local, Parameter
from .commanding.kinds import Kind, choice
from .commanding.monitor import INTEREST, monitor
from .commanding.outcomes import EXIT_HELP, Exit
from .commanding.reports import Report, report
from .commanding.session import Session
from .commanding.streams import LineWriter, nobody_reads, read_lines, when_closed
from .commanding.wording import event_as_json, event_line

__all__ = ["main"]

_PROGRAM = "command_script_queue"

#: Higher ones would have scripts with indices that are no 32-bit numbers.
_LAST_INDEX = 2**31 // INDICES_PER_QUEUE - 1

_BUS = Parameter(
    "--bus",
    Kind("|".join(BUS_KINDS), lambda word: choice(word, BUS_KINDS, "middleware"), BUS_KINDS),
    "middleware (default: kafka if LSST_KAFKA_BROKER_ADDR is set, else dds)",
    required=False,
)
_HEAD = (_BUS, *COMMON)


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before the command.

    Attributes
    ----------
    index
        SAL index of the queue.
    given
        Values of options of the command, by name.
    """

    index: int
    given: Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command a ScriptQueue.

    Returns
    -------
    int
        Exit status, as `outcomes.Exit` has them.
    """
    head, words = _split(sys.argv[1:] if arguments is None else list(arguments))
    options = _options(head)
    try:
        if not words:
            return asyncio.run(_until_told(_session(options)))
        order = parse_order(words, interactive=False, extra=(_BUS,), given=options.given)
        match order.form.command:
            case Local.HELP:
                print(help_on(order.values.get("about", []), interactive=False, extra=(_BUS,)))
                return Exit.COMPLETE
            case Local.MONITOR:
                return asyncio.run(_until_told(_monitor(options.index, order), told=Exit.COMPLETE))
            case Local.EXPLAIN:
                return asyncio.run(_until_told(_explain(options.index, order)))
            case Local.HISTORY:
                return asyncio.run(_until_told(_history(options.index, order)))
            case _:
                return asyncio.run(_until_told(_one_shot(options.index, order)))
    except HelpWanted as wanted:
        print(wanted)
        return Exit.COMPLETE
    except UsageError as error:
        return _complain(str(error), Exit.USAGE)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BusError as error:
        return _complain(str(error), Exit.NO_BUS)


async def _one_shot(index: int, order: Order) -> Exit:
    async with Domain.connect(order.values.get("bus")) as domain:
        client = Client(domain, index, interest_of(order))
        async with connect(client):
            outcome = await carry_out(client, order, _say_nothing if order.as_json else _to_stderr)
    _print(report(outcome, client.feed.board))
    return outcome.exit


async def _explain(index: int, order: Order) -> Exit:
    # Not cheap to import, and only needed here.
    from .commanding import explaining

    board = Board()
    if order.values.get("all"):
        async with Domain.connect(order.values.get("bus")) as domain:
            client = Client(domain, index, explaining.INTEREST)
            async with connect(client):
                try:
                    await explaining.wait_for_scripts(client)
                except NoQueueError as error:
                    return _complain(str(error), Exit.NO_ANSWER)
            board = client.feed.board
    status, text = await asyncio.to_thread(explaining.explanation, order, board)
    _print(text)
    return status


async def _history(index: int, order: Order) -> Exit:
    # Only needed here.
    from .commanding.past import history

    status, text = await asyncio.to_thread(history, order, index, SystemClock())
    _print(text)
    return status


def _print(text: Report) -> None:
    for line in text.err:
        _to_stderr(line)
    try:
        for line in text.out:
            _to_stdout(line)
    except BrokenPipeError:
        nobody_reads(sys.stdout)


async def _monitor(index: int, order: Order) -> Exit:
    descriptor = sys.stdout.fileno()
    async with Domain.connect(order.values.get("bus")) as domain:
        client = Client(domain, index, INTEREST)

        def in_words(event: Event) -> str:
            return event_line(event, domain.clock, has_slots=client.feed.board.has_slots)

        word = event_as_json if order.as_json else in_words
        closed = asyncio.Event()
        with when_closed(descriptor, closed.set):
            await monitor(
                client,
                LineWriter(descriptor).write,
                word,
                closed,
                with_heartbeats=bool(order.values.get("heartbeats")),
            )
    return Exit.COMPLETE


async def _session(options: Options) -> Exit:
    async with (
        Domain.connect(options.given.get("bus")) as domain,
        connect(Client(domain, options.index, Interest())) as client,
    ):
        session = Session(client, _to_stdout, _to_stderr, given=options.given)
        if sys.stdin.isatty() and sys.stdout.isatty():
            # Not cheap to import, and only needed here.
            from .commanding.interactive import prompt_lines

            return await prompt_lines(session)
        try:
            with session.showing_events():
                return await session.run(read_lines(sys.stdin.fileno()))
        except BrokenPipeError:
            nobody_reads(sys.stdout)
            return Exit.COMPLETE


async def _until_told(work: Coroutine[Any, Any, Exit], told: Exit | None = None) -> Exit:
    """Run something until it ends, or until SIGINT or SIGTERM.

    Parameters
    ----------
    work
        What to run.
    told
        Exit status after a signal; None for the usual one.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    heard: list[signal.Signals] = []

    def tell(signum: signal.Signals) -> None:
        heard.append(signum)
        # Whoever asks again does not want to wait for the end either.
        loop.remove_signal_handler(signum)
        task.cancel()

    for signum in _STATUS_OF:
        loop.add_signal_handler(signum, tell, signum)
    try:
        await asyncio.wait([task])
    finally:
        for signum in _STATUS_OF:
            loop.remove_signal_handler(signum)
    if heard and task.cancelled():
        return _STATUS_OF[heard[0]] if told is None else told
    return task.result()


_STATUS_OF = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments before the command: an index and options."""
    takes_word = {option.name for option in _HEAD if option.kind is not None}
    seen_index = False
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word in takes_word:
            position += 1
        elif not word.startswith("-"):
            if seen_index:
                break
            seen_index = True
        position += 1
    return arguments[:position], arguments[position:]


def _options(head: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        usage=f"{_PROGRAM} INDEX [options] [COMMAND ...]",
        description="Command a ScriptQueue. Without a command: at a prompt, or a line of stdin each.",
        epilog=f"commands:\n{overview(interactive=False)}\n\n"
        f"{_PROGRAM} INDEX COMMAND --help tells more about one; options may also follow it.\n\n{EXIT_HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "index",
        metavar="INDEX",
        type=_index,
        help="SAL index: 1 main telescope, 2 auxiliary telescope, 3 OCS",
    )
    for option in _HEAD:
        add_parameter(parser, option)
    parser.add_argument("--version", action="version", version=__version__)
    parsed = vars(parser.parse_args(head))
    given = {option.key: parsed[option.key] for option in _HEAD if parsed[option.key]}
    return Options(parsed["index"], given)


def _index(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= _LAST_INDEX:
        raise argparse.ArgumentTypeError(
            f"{word!r} is no SAL index of a queue: a whole number from 1, such as 1"
        )
    return int(word)


def _complain(text: str, status: Exit) -> Exit:
    _to_stderr(f"{_PROGRAM}: {text}")
    return status


def _to_stdout(line: str) -> None:
    print(line, flush=True)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _say_nothing(line: str) -> None:
    """Say nothing: programs read one object."""


if __name__ == "__main__":
    sys.exit(main())
