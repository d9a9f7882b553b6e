# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx builds the documentation; warnings are errors where it is built by ``.ci/run docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).parent))

import generate_states

from lsst.ts.scriptqueue import __version__

project = "ts_scriptqueue"
copyright = "the ts_scriptqueue developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"ScriptQueue {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False


def warn_of_stale_states(app: Sphinx) -> None:
    """Fail a build with warnings as errors if the states page is not that of the tables."""
    if not generate_states.is_fresh():
        logging.getLogger(__name__).warning(generate_states.REMEDY)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", warn_of_stale_states)
