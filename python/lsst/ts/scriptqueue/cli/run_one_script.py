# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``run_one_script PATH``: runs one script as a queue would, and shows what it says.

The script gets a process group, an environment and an output file as from a
queue, and its commands over the bus. Ctrl-C stops it gently, a second one ends
its process; SIGTERM and SIGHUP end it at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import enum
import logging
import os
import pathlib
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any

from .. import __version__
from ..bus import BusError
from ..launch.contract import Exited, LaunchError, LaunchRequest
from ..launch.environment import child_environment
from ..launch.local import LocalLauncher
from ..launch.schema import SchemaError, script_schema
from ..sal.domain import Domain
from ..sal.enums import ScriptState
from ..sal.errors import AckError
from ..sal.remote import Remote
from .one_script import OneScript, ScriptWishes

__all__ = ["Exit", "main"]

#: A script that has reported its final state may take so long to go (seconds).
EXIT_LIMIT_S = 30.0

#: Indices of no queue; the process id, of which there is one, is added.
FIRST_INDEX = 10_000_000


class Exit(enum.IntEnum):
    """Exit statuses of ``run_one_script``."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_STARTED = 3
    CONFIGURE_FAILED = 4
    STOPPED = 5
    NO_BUS = 6
    DIED = 7
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_HELP = """exit status:
  0    the script is DONE
  1    the script FAILED
  2    the command line cannot be understood
  3    the script could not be started, or did not get as far as running
  4    the script could not be configured
  5    the script was STOPPED, at a checkpoint or by somebody else
  6    the middleware cannot be used
  7    the process of the script ended without a final state
  130  interrupted (143: terminated)"""

_BY_STATE = {
    ScriptState.DONE: Exit.DONE,
    ScriptState.FAILED: Exit.FAILED,
    ScriptState.STOPPED: Exit.STOPPED,
    ScriptState.CONFIGURE_FAILED: Exit.CONFIGURE_FAILED,
}

_BY_SIGNAL = {
    signal.SIGINT: Exit.INTERRUPTED,
    signal.SIGTERM: Exit.TERMINATED,
    signal.SIGHUP: Exit.TERMINATED,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a script.

    Returns
    -------
    int
        Exit status, an `Exit`.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        return asyncio.run(_show_schema(options.path) if options.schema else _run(options))
    except BusError as error:
        return _complain(Exit.NO_BUS, str(error))
    except SchemaError as error:
        return _complain(Exit.NOT_STARTED, str(error))


async def _show_schema(path: str) -> Exit:
    print(await script_schema(path), end="")
    return Exit.DONE


async def _run(options: argparse.Namespace) -> Exit:
    index = options.index or FIRST_INDEX + os.getpid()
    launch_id = f"{index}-{uuid.uuid4().hex}"
    launcher = LocalLauncher(_state_dir())
    async with Domain.connect(options.bus) as domain, Remote(domain, "Script", index) as remote:
        script = OneScript(remote, _say)
        exits: list[Exited] = []
        launcher.on_exit(exits.append)
        launcher.on_exit(lambda exited: script.gone())
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(launcher.aclose)
            interruptions = _Interruptions(script, lambda: launcher.terminate(launch_id), group)
            await stack.enter_async_context(interruptions.heeded())
            environment = child_environment(options.path, launch_id, _inherited(options.bus))
            request = LaunchRequest(launch_id, index, options.path, (str(index),), environment)
            try:
                launched = await launcher.launch(request)
            except LaunchError as error:
                return _complain(Exit.NOT_STARTED, str(error))
            _say(f"Script:{index}, process {launched.pid}, output in {launched.output_path}")
            script.started(launched.pid)
            if interruptions.first is not None:
                launcher.terminate(launch_id)
            try:
                await script.lead(_wishes(options))
                await script.wait_gone(EXIT_LIMIT_S)
            except (AckError, BusError, TimeoutError) as error:
                _say(f"it is ended: {error or 'it took too long'}")
                launcher.terminate(launch_id)
                await script.wait_gone()
    return _outcome(script, exits[0], interruptions.first)


class _Interruptions:
    """Gentle at the first Ctrl-C, and then no longer."""

    def __init__(self, script: OneScript, terminate: Callable[[], None], group: asyncio.TaskGroup) -> None:
        self.first: signal.Signals | None = None
        self._script = script
        self._terminate = terminate
        self._group = group
        self._commands: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def heeded(self) -> AsyncIterator[None]:
        """Heed signals, and the Enter key, within this context."""
        loop = asyncio.get_running_loop()
        has_keys = sys.stdin is not None and sys.stdin.isatty()
        for signum in _BY_SIGNAL:
            loop.add_signal_handler(signum, self._heed, signum)
        if has_keys:
            loop.add_reader(sys.stdin, self._key_pressed)
        try:
            yield
        finally:
            if has_keys:
                loop.remove_reader(sys.stdin)
            for signum in _BY_SIGNAL:
                loop.remove_signal_handler(signum)
            for command in self._commands:
                command.cancel()

    def _heed(self, signum: signal.Signals) -> None:
        is_gentle = self.first is None and signum is signal.SIGINT
        self.first = self.first or signum
        if is_gentle and self._script.state is not ScriptState.UNKNOWN:
            _say("stopping it; Ctrl-C once more ends it at once")
            self._command(self._script.stop())
        else:
            _say("ending it")
            self._terminate()

    def _key_pressed(self) -> None:
        if sys.stdin.readline():
            self._command(self._script.resume())
        else:
            asyncio.get_running_loop().remove_reader(sys.stdin)

    def _command(self, command: Coroutine[Any, Any, None]) -> None:
        self._commands.append(self._group.create_task(self._see_through(command)))

    async def _see_through(self, command: Coroutine[Any, Any, None]) -> None:
        try:
            await command
        except (AckError, BusError) as error:
            _say(str(error))


def _outcome(script: OneScript, exited: Exited, interruption: signal.Signals | None) -> Exit:
    how = f"signal {exited.signal}" if exited.signal is not None else f"exit code {exited.exit_code}"
    outcome = _BY_STATE.get(script.state)
    if interruption is not None:
        return _BY_SIGNAL[interruption]
    if outcome is None:
        started = script.state is not ScriptState.UNKNOWN
        _say(f"its process ended with {how}, in state {script.state.name}; the end of its output:")
        _say(exited.output_tail.rstrip() or "(none)")
        return Exit.DIED if started else Exit.NOT_STARTED
    return outcome


def _wishes(options: argparse.Namespace) -> ScriptWishes:
    return ScriptWishes(
        options.config or options.parameters or "",
        options.loglevel,
        options.pause_checkpoint,
        options.stop_checkpoint,
        options.group_id,
    )


def _inherited(bus: str | None) -> Mapping[str, str]:
    """Return the environment in which the script chooses the same bus."""
    if bus != "dds":
        return os.environ
    return {name: value for name, value in os.environ.items() if name != "LSST_KAFKA_BROKER_ADDR"}


def _state_dir() -> pathlib.Path:
    base = os.environ.get("XDG_STATE_HOME", "")
    root = pathlib.Path(base) if base.startswith("/") else pathlib.Path.home() / ".local" / "state"
    return root / "ts_scriptqueue" / "run_one_script"


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(status: Exit, text: str) -> Exit:
    print(f"run_one_script: {text}", file=sys.stderr)
    return status


def _executable(word: str) -> str:
    path = os.path.abspath(word)
    if not os.path.isfile(path):
        raise argparse.ArgumentTypeError(f"there is no file {word}")
    if not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"{word} is not executable; make it so with: chmod +x {word}")
    return path


def _text_of(word: str) -> str:
    try:
        return sys.stdin.read() if word == "-" else pathlib.Path(word).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{word} cannot be read: {error}") from None


class _Parameters(argparse.Action):
    """Collects ``name=value`` words, each value being YAML, into one text of YAML."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[str] | None,
        option_string: str | None = None,
    ) -> None:
        import yaml

        collected = {}
        for word in values or ():
            name, is_given, text = word.partition("=")
            if not name or not is_given:
                parser.error(f"--parameters takes name=value, not {word!r}")
            try:
                collected[name] = yaml.safe_load(text)
            except yaml.YAMLError as error:
                parser.error(f"--parameters {name}: {text!r} is not YAML: {getattr(error, 'problem', error)}")
        setattr(namespace, self.dest, yaml.safe_dump(collected, sort_keys=False))


def _level(word: str) -> int:
    level = logging.getLevelNamesMapping().get(word.upper())
    try:
        return int(word) if level is None else level
    except ValueError:
        names = ", ".join(name for name in logging.getLevelNamesMapping() if name != "NOTSET")
        raise argparse.ArgumentTypeError(f"no level {word!r}; there are {names}, and numbers") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_one_script",
        description="Run one script as a ScriptQueue would, and show its states, checkpoints and log.",
        epilog=EXIT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=_executable, help="the script")
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--config", metavar="FILE", type=_text_of, help="configuration (YAML); - for stdin")
    given.add_argument(
        "--parameters",
        metavar="NAME=VALUE",
        nargs="+",
        action=_Parameters,
        help="configuration, key by key",
    )
    parser.add_argument("--index", type=int, default=0, help="SAL index (default: one that no queue uses)")
    parser.add_argument("--loglevel", type=_level, default=0, help="lowest level that the script logs")
    parser.add_argument("--pause-checkpoint", metavar="REGEX", default="", help="checkpoints to pause at")
    parser.add_argument("--stop-checkpoint", metavar="REGEX", default="", help="checkpoints to stop at")
    parser.add_argument("--group-id", default="", help="group id (default: the time)")
    parser.add_argument(
        "--schema", action="store_true", help="print the schema of its configuration, and quit"
    )
    parser.add_argument(
        "--bus",
        choices=("dds", "kafka"),
        help="middleware (default: kafka if LSST_KAFKA_BROKER_ADDR is set, else dds)",
    )
    parser.add_argument("--version", action="version", version=__version__)
    return parser


if __name__ == "__main__":
    sys.exit(main())
