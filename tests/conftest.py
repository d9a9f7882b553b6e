# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every test: apart from the world, and nothing left behind.

The environment of whoever runs the tests may name a real observatory's
middleware, so it is replaced before anything is imported: each test process
is alone in a DDS domain and under a topic subname of its own.
"""

from __future__ import annotations

import gc
import os
import secrets
import tempfile
from collections.abc import Generator, Iterator

import pytest

from .domains import a_domain, take_share
from .leaks import RUN_VARIABLE, no_leftovers, no_task_left, no_task_left_in_a_loop
from .order import long_ones_first

pytest_plugins = ["lsst.ts.scriptqueue.testing.pytest_plugin", "tests.local_kafka", "tests.own_broker"]

__all__ = ["no_leftovers", "no_task_left", "no_task_left_in_a_loop"]

_FOREIGN = ("LSST_", "CYCLONEDDS_URI", "IMAGE_SERVER_URL", "TS_CONFIG_")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]
    if worker := getattr(config, "workerinput", None):
        take_share(int(worker["workerid"].removeprefix("gw")), worker["workercount"])
    os.environ["LSST_DDS_DOMAIN_ID"] = str(a_domain())
    os.environ["LSST_TOPIC_SUBNAME"] = f"test_{secrets.token_hex(6)}"
    os.environ[RUN_VARIABLE] = secrets.token_hex(8)
    # Threads that a numerical library starts at its import would count as left behind.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what is collected away from the garbage collector.

    It stays until the end, and there is so much of it that looking through it takes longer than most tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        skip = pytest.mark.skip(reason="takes minutes: bin/test --long")
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(skip)
    if worker := getattr(config, "workerinput", None):
        items[:] = long_ones_first(items, worker["workercount"], float(config.getini("timeout")))


@pytest.fixture(scope="session", autouse=True)
def state_home() -> Iterator[None]:
    """Keep the default state directory out of the home of whoever runs this."""
    with tempfile.TemporaryDirectory(prefix="scriptqueue-tests-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        yield
