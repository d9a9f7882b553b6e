# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""House rules that no linter knows, checked in every file of the checkout.

Each rule is a function from a file to what is wrong in it; `RULES` says to
which files it applies. Every rule is also shown a file that breaks it.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADER = "# This file is part of ts_scriptqueue.\n# SPDX-License-Identifier: GPL-3.0-or-later\n"
MAX_LINES = 400
MAX_BROAD_EXCEPTS = 2
NO_NOUNS = {"utils", "util", "manager", "helpers", "helper", "common", "misc"}
IGNORED_FOLDERS = {"_build", "__pycache__", "dist"}

#: Joined here, so that this file may be checked as well.
FOREIGN_WORDS = {
    "." + "./shared": "a path outside the checkout",
    "/" + "work/": "a path outside the checkout",
    "/" + "tmp/probe": "a path of one machine",
    "py" + "pi.org": "a package registry's host",
    "python" + "hosted.org": "a package registry's host",
    "issues " + "show": "a tool of one place",
}
ISSUE_NUMBER = re.compile(r"\bissue\s+#?\d|\bissues?/\d|\(#\d+\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """A text file of the checkout."""

    path: Path
    text: str

    @property
    def room(self) -> str:
        """The folder at the top of the checkout, or below the package."""
        parts = self.path.parts
        return "/".join(parts[4:5] if parts[:4] == ("python", "lsst", "ts", "scriptqueue") else parts[:1])

    def walk(self) -> Sequence[ast.AST]:
        """All nodes of its tree, the module first."""
        return _nodes(self.text)


@functools.lru_cache(maxsize=1)
def _nodes(text: str) -> Sequence[ast.AST]:
    """The nodes of one text, of the last one asked for: those of all would burden the garbage collector."""
    return tuple(ast.walk(ast.parse(text)))


def too_long(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines >= MAX_LINES:
        yield f"{lines} lines: does it have one subject?"


def no_header(source: Source) -> Iterator[str]:
    text = source.text
    if text.startswith("#!"):
        text = text.partition("\n")[2]
    if not text.startswith(HEADER):
        yield "does not begin with the two lines of name and licence"


def no_docstring(source: Source) -> Iterator[str]:
    module = source.walk()[0]
    assert isinstance(module, ast.Module)
    if not ast.get_docstring(module):
        yield "no docstring says its subject"


def no_noun(source: Source) -> Iterator[str]:
    if source.path.stem in NO_NOUNS:
        yield f"{source.path.stem} is no subject"


def outside_any_package(source: Source) -> Iterator[str]:
    if not (ROOT / source.path).with_name("__init__.py").exists():
        yield "its folder has no __init__.py, so the import rules do not see it"


def foreign_word(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        yield from (f"line {number}: {why}" for word, why in FOREIGN_WORDS.items() if word in line)
        if ISSUE_NUMBER.search(line):
            yield f"line {number}: the number of an issue"


def sleep(source: Source) -> Iterator[str]:
    for node in source.walk():
        if (
            isinstance(node, ast.Call)
            and called_name(node) == "sleep"
            and [*map(ast.unparse, node.args)] != ["0"]
        ):
            yield f"line {node.lineno}: sleeps; wait for an event, with a time limit"


def dropped_task(source: Source) -> Iterator[str]:
    for node in source.walk():
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            owner = ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""
            name = called_name(node.value)
            if name == "ensure_future" or (name == "create_task" and owner in ("", "asyncio", "loop")):
                yield f"line {node.lineno}: nobody owns this task"


def broad_except(source: Source) -> Iterator[str]:
    broad = [
        handler
        for handler in source.walk()
        if isinstance(handler, ast.ExceptHandler)
        and (handler.type is None or {"Exception", "BaseException"} & names(handler.type))
        and not any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body)
    ]
    for handler in broad:
        body = [node for statement in handler.body for node in ast.walk(statement)]
        is_logged = any(isinstance(node, ast.Call) and called_name(node) == "exception" for node in body)
        is_handed_on = any(isinstance(node, ast.Name) and node.id == handler.name for node in body)
        if not (is_logged or is_handed_on):
            yield f"line {handler.lineno}: catches everything and neither logs it nor hands it on"
    if len(broad) > MAX_BROAD_EXCEPTS:
        yield f"{len(broad)} broad excepts: one for each edge, and this has more edges than a file should"


def clock_in_the_core(source: Source) -> Iterator[str]:
    for node in source.walk():
        if isinstance(node, ast.Call) and called_name(node) in {"now", "utcnow", "today"}:
            yield f"line {node.lineno}: asks a clock; time arrives inside events"


def unmarked_system_test(source: Source) -> Iterator[str]:
    imported = {
        name
        for node in source.walk()
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }
    if imported & {"subprocess", "cyclonedds", "multiprocessing"} and "mark.system" not in source.text:
        yield "uses real processes or middleware, and no test is marked system"


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def any_file(source: Source) -> bool:
    return source.path.name != "LICENSE"


def python(source: Source) -> bool:
    return source.path.suffix == ".py"


def of_the_package(source: Source) -> bool:
    return python(source) and source.path.parts[0] == "python"


def of_a_room(source: Source) -> bool:
    return of_the_package(source) and source.room != "scripts"


def of_the_core(source: Source) -> bool:
    return python(source) and source.room == "core"


def in_the_tests(source: Source) -> bool:
    return python(source) and source.path.parts[0] == "tests"


def of_tests(source: Source) -> bool:
    return in_the_tests(source) and source.path.name.startswith("test_")


Rule = Callable[[Source], Iterator[str]]

RULES: dict[Rule, Callable[[Source], bool]] = {
    too_long: python,
    no_header: python,
    no_docstring: python,
    no_noun: python,
    outside_any_package: of_a_room,
    foreign_word: any_file,
    sleep: in_the_tests,
    dropped_task: python,
    broad_except: of_the_package,
    clock_in_the_core: of_the_core,
    unmarked_system_test: of_tests,
}

#: Text of a file ``nowhere/utils.py`` that breaks the rule.
BROKEN: dict[Rule, str] = {
    too_long: "#\n" * MAX_LINES,
    no_header: "'''Subject.'''",
    no_docstring: HEADER,
    no_noun: "",
    outside_any_package: "",
    foreign_word: "see issue " + "12",
    sleep: "await asyncio.sleep(0.1)",
    dropped_task: "asyncio.create_task(work())",
    broad_except: "try: pass\nexcept (OSError, Exception): pass",
    clock_in_the_core: "datetime.datetime.now(tz=None)",
    unmarked_system_test: "import subprocess",
}


def sources() -> list[Source]:
    """All files of the checkout that are text and neither hidden nor built."""
    found = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part in IGNORED_FOLDERS or (part[0] == "." and part != ".ci") for part in parts)
        if path.is_file() and not hidden:
            try:
                found.append(Source(Path(*parts), path.read_text()))
            except UnicodeDecodeError:
                continue
    return found


@pytest.fixture(scope="module")
def checkout() -> list[Source]:
    return sources()


@pytest.fixture(scope="module")
def wrong(checkout: list[Source]) -> Mapping[Rule, Sequence[str]]:
    """What breaks each rule; file by file, so that each is parsed once."""
    found: dict[Rule, list[str]] = {rule: [] for rule in RULES}
    for source in checkout:
        for rule, applies in RULES.items():
            if applies(source):
                found[rule] += [f"{source.path}: {what}" for what in rule(source)]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_is_kept(rule: Rule, wrong: Mapping[Rule, Sequence[str]]) -> None:
    assert not wrong[rule], "\n".join(["", *wrong[rule]])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_sees_a_file_that_breaks_it(rule: Rule) -> None:
    assert list(rule(Source(Path("nowhere/utils.py"), BROKEN[rule])))


@pytest.mark.parametrize(
    "harmless",
    [
        "await asyncio.sleep(0)",
        "async with asyncio.TaskGroup() as group: group.create_task(work())",
        "try: pass\nexcept BaseException:\n    undo()\n    raise",
        "try: pass\nexcept Exception:\n    log.exception('delivery of %s', topic)",
    ],
)
def test_rules_let_pass_what_is_right(harmless: str) -> None:
    source = Source(Path("python/lsst/ts/scriptqueue/core/it.py"), harmless)
    assert not [what for rule in (sleep, dropped_task, broad_except) for what in rule(source)]


def test_every_room_is_searched(checkout: list[Source]) -> None:
    assert {"core", "bus", "launch", "tests", "doc", ".ci", "bin"} <= {source.room for source in checkout}
