# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a ScriptQueue: its slots, and what scripts need, from files."""

from .configuration import Configuration, read_configuration
from .events import configuration_applied, configurations_available
from .explaining import Explanation, explain, explain_all
from .faults import ConfigurationError, Fault
from .folder import SCHEMA_VERSION, ConfigurationFolder, default_folder
from .lookups import Completion
from .rules import Rule
from .script_configs import parse_script_config

__all__ = [
    "SCHEMA_VERSION",
    "Completion",
    "Configuration",
    "ConfigurationError",
    "ConfigurationFolder",
    "Explanation",
    "Fault",
    "Rule",
    "configuration_applied",
    "configurations_available",
    "default_folder",
    "explain",
    "explain_all",
    "parse_script_config",
    "read_configuration",
]
