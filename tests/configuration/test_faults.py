# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a configuration file is named: file, line and key, and what would be right."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.configuration import ConfigurationError, read_configuration
from lsst.ts.scriptqueue.configuration.documents import read_document

from .conftest import Write

#: A file, and its faults: line, key, text.
FAULTY: dict[str, tuple[str, list[tuple[int, str, str]]]] = {
    "not yaml": ("slots: [\n", [(1, "", "is not YAML: expected the node content, but found '<stream end>'")]),
    "an asterisk without quotes": (
        "slots:\n  - name: main\n    assumed_resources: [*]\n",
        [
            (
                3,
                "",
                "is not YAML: expected alphabetic or numeric character, but found ']'; "
                "what begins with * or ! must be in quotes",
            )
        ],
    ),
    "an exclamation mark without quotes": (
        "slots:\n  - name: main\n    assumed_resources: ['*', !ESS]\n",
        [
            (
                3,
                "",
                "is not YAML: expected ',' or ']', but got '<stream end>'; "
                "what begins with * or ! must be in quotes",
            )
        ],
    ),
    "an exclamation mark without quotes, a line each": (
        "slots:\n  - name: main\n    assumed_resources:\n      - '*'\n      - !ESS\n",
        [
            (
                5,
                "",
                "is not YAML: could not determine a constructor for the tag '!ESS'; "
                "what begins with * or ! must be in quotes",
            )
        ],
    ),
    "a character that cannot be": (
        "slots: []\n#\x07\n",
        [(2, "", "is not YAML: special characters are not allowed")],
    ),
    "a date that is none": ("metadata: 2024-13-45\n", [(0, "", "is not YAML: month must be in 1..12")]),
    "no mapping": ("- main\n", [(1, "top level", "['main'] is not of type 'object'")]),
    "a key twice": (
        "groups:\n  A: [ESS]\n  A: [MTDome]\n",
        [(3, "", "the key 'A' is there already, in line 2")],
    ),
    "nested without end": ("metadata: &a [*a]\n", [(1, "", "is nested more than 20 levels deep")]),
    "an unknown key": (
        "slots:\n  - name: main\n    capasity: 2\n",
        [
            (
                3,
                "slots.0.capasity",
                "is no key here; there are name, capacity, order, on_failure, assumed_resources, "
                "patience_s, next_visit",
            )
        ],
    ),
    "an unknown key at the top": (
        "slots: []\nslot: []\n",
        [
            (
                2,
                "slot",
                "is no key here; there are metadata, slots, groups, capacities, components, rules, "
                "legacy_queue, on_block_failure",
            )
        ],
    ),
    "a slot without a name": ("slots:\n  - capacity: 2\n", [(2, "slots.0", "'name' is a required property")]),
    "a name with a colon": (
        'slots:\n  - name: "a:b"\n',
        [
            (
                2,
                "slots.0.name",
                "'a:b' is no name of a slot: a letter, then letters, digits, _ - and ., at most 50 in all",
            )
        ],
    ),
    "capacity 0": (
        "slots:\n  - name: a\n    capacity: 0\n",
        [(3, "slots.0.capacity", "0 is less than the minimum of 1")],
    ),
    "capacity 1.5": (
        "slots:\n  - name: a\n    capacity: 1.5\n",
        [(3, "slots.0.capacity", "1.5 is not of type 'integer'")],
    ),
    "an order that is none": (
        "slots:\n  - {name: a, order: fast}\n",
        [(2, "slots.0.order", "'fast' is not one of ['ordered', 'eager']")],
    ),
    "no patience": (
        "slots:\n  - {name: a, patience_s: 0}\n",
        [(2, "slots.0.patience_s", "0 is less than or equal to the minimum of 0")],
    ),
    "several at once": (
        "slots:\n  - {name: a, capacity: 0}\nlegacy_queue: some\n",
        [
            (2, "slots.0.capacity", "0 is less than the minimum of 1"),
            (3, "legacy_queue", "'some' is not one of ['yielding', 'combined', 'main_only']"),
        ],
    ),
    "a slot twice": (
        "slots:\n  - name: a\n  - name: b\n  - name: a\n",
        [(4, "slots.2.name", "there is a slot a already, in line 2")],
    ),
    "a slot twice but for capitals": (
        "slots:\n  - name: a\n  - name: A\n",
        [(3, "slots.1.name", "there is a slot A already, in line 2")],
    ),
    "main in capitals": ("slots:\n  - name: Main\n", [(2, "slots.0.name", "the main slot is written main")]),
    "main is not first": (
        "slots:\n  - name: a\n  - name: main\n",
        [(3, "slots.1.name", "main must be the first slot; the order is the priority")],
    ),
    "a wide main": (
        "slots:\n  - name: main\n    capacity: 2\n    order: eager\n",
        [
            (3, "slots.0.capacity", "main has a capacity of 1, not 2"),
            (4, "slots.0.order", "main is ordered, not eager"),
        ],
    ),
    "too many slots": (
        "slots:\n" + "".join(f"  - name: s{number}\n" for number in range(50)),
        [(1, "slots", "with main there are 51 slots; 50 can be")],
    ),
    "a group in itself": (
        "groups:\n  A: [ESS, A]\n",
        [(2, "groups.A.1", "A is a member of itself; leave it out")],
    ),
    "groups in a circle": (
        "groups:\n  A: [ESS, B]\n  B: [C]\n  C:\n    - A\n",
        [(5, "groups.C.0", "groups contain each other: A -> B -> C -> A")],
    ),
    "an empty group": ("groups:\n  A: []\n", [(2, "groups.A", "[] should be non-empty")]),
    "a group with a name that is none": (
        'groups:\n  "A:1": [ESS]\n',
        [
            (
                2,
                "groups.A:1",
                "'A:1' is no name of a group: a letter, then letters, digits and _, and not none",
            )
        ],
    ),
    "a member that is no resource": (
        'groups:\n  A: [ESS, "MT Dome"]\n',
        [
            (
                2,
                "groups.A.1",
                "'MT Dome' is no resource; write Component or Component:index, separated by commas; "
                "'*' for everything, '*,!ESS' for all but ESS",
            )
        ],
    ),
    "everything in a group": (
        'groups:\n  A: ["*"]\n',
        [(2, "groups.A.0", "'*' cannot be in a group; name each member")],
    ),
    "what is shared in a group": (
        "capacities: {archive: 3}\ngroups:\n  A: [archive]\n",
        [
            (
                3,
                "groups.A.0",
                "archive is among the capacities; what is shared by number can be in no group",
            )
        ],
    ),
    "a shared group": (
        "groups: {A: [ESS]}\ncapacities:\n  A: 2\n",
        [(3, "capacities.A", "A is a group, and groups have no capacity; name its members")],
    ),
    "a shared index": (
        'capacities:\n  "ESS:1": 2\n',
        [(2, "capacities.ESS:1", "'ESS:1' cannot be shared: write a component, without an index")],
    ),
    "a capacity of 0": (
        "capacities:\n  archive: 0\n",
        [(2, "capacities.archive", "0 is less than the minimum of 1")],
    ),
    "an index of what is shared": (
        'capacities: {archive: 3}\nrules:\n  - script: "*:a.py"\n    resources: ["archive:1"]\n',
        [
            (
                4,
                "rules.0.resources.0",
                "archive:1 cannot be: archive is shared by number, so it has no index",
            )
        ],
    ),
    "an index of a group": (
        'groups: {A: [ESS]}\nrules:\n  - script: "*:a.py"\n    resources:\n      - A:1\n',
        [(5, "rules.0.resources.0", "A:1 cannot be: A is a group, so it has no index; name its members")],
    ),
    "none in a list": (
        'rules:\n  - script: "*:a.py"\n    resources: [none]\n',
        [(3, "rules.0.resources.0", "'none' cannot be here; nothing is the empty list, []")],
    ),
    "what is spared of nothing": (
        'slots:\n  - name: a\n    assumed_resources: ["!ESS"]\n',
        [
            (
                3,
                "slots.0.assumed_resources",
                "'!ESS' means all but ESS, so it needs '*' beside it: Component or Component:index, "
                "separated by commas; '*' for everything, '*,!ESS' for all but ESS",
            )
        ],
    ),
    "a component that is none": (
        'components: [MTMount, MTDome]\nrules:\n  - script: "*:a.py"\n    resources: [MTMout]\n',
        [(4, "rules.0.resources.0", "MTMout is neither a component nor a group; did you mean MTMount?")],
    ),
    "a group that is none": (
        "components: [MTMount]\ngroups: {MTCS: [MTMount]}\n"
        "slots:\n  - {name: a, assumed_resources: [MTCX]}\n",
        [
            (
                4,
                "slots.0.assumed_resources.0",
                "MTCX is neither a component nor a group; did you mean MTCS?",
            )
        ],
    ),
    "a component that is none in a group": (
        "components: [MTMount]\ngroups:\n  A: [Bus]\n",
        [(3, "groups.A.0", "Bus is neither a component nor a group; there are A, MTMount")],
    ),
    "a component that is a group": (
        "components: [ESS]\ngroups:\n  ESS: [ESS]\n",
        [
            (3, "groups.ESS", "ESS is among the components, so it can be no group"),
            (3, "groups.ESS.0", "ESS is a member of itself; leave it out"),
        ],
    ),
    "a component with an index": (
        'components:\n  - "ESS:1"\n',
        [(2, "components.0", "'ESS:1' is no name of a component: a letter, then letters, digits and _")],
    ),
    "a script of no kind": (
        "rules:\n  - script: maintel/a.py\n",
        [(2, "rules.0.script", "'maintel/a.py': begin with standard:, external:, *: and then the path")],
    ),
    "a script without a path": (
        'rules:\n  - script: "standard:"\n',
        [(2, "rules.0.script", "'standard:': a path is missing, such as maintel/** or sleep.py")],
    ),
    "a slot that is not there": (
        'slots: [{name: utility}]\nrules:\n  - script: "*:a.py"\n    slot: utilty\n',
        [(4, "rules.0.slot", "there is no slot 'utilty'; did you mean utility?")],
    ),
    "a JMESPath that is not complete": (
        'rules:\n  - script: "*:a.py"\n    resources_from: "data[*"\n',
        [(3, "rules.0.resources_from", "'data[*' is no JMESPath: it is not complete")],
    ),
    "a JMESPath that is none": (
        'rules:\n  - script: "*:a.py"\n    resources_from: "data]"\n',
        [(3, "rules.0.resources_from", "'data]' is no JMESPath: ']' at column 5 cannot be there")],
    ),
    "a JMESPath with letters that are none": (
        'rules:\n  - script: "*:a.py"\n    resources_from: "data#"\n',
        [
            (
                3,
                "rules.0.resources_from",
                "'data#' is no JMESPath: '#' at column 5 cannot be there",
            )
        ],
    ),
    "an empty JMESPath": (
        'rules:\n  - script: "*:a.py"\n    resources_from: ""\n',
        [(3, "rules.0.resources_from", "'' is no JMESPath: it is empty")],
    ),
    "a JMESPath with a function that is none": (
        'rules:\n  - script: "*:a.py"\n    resources_from: "data[*].first(@)"\n',
        [
            (
                3,
                "rules.0.resources_from",
                "'data[*].first(@)' is no JMESPath: there is no function first; there are abs, avg, "
                "ceil, contains, ends_with, floor, join, keys, length, map, max, max_by, merge, min, min_by, "
                "not_null, reverse, sort, sort_by, starts_with, sum, to_array, to_number, to_string, type, "
                "values",
            )
        ],
    ),
    "resources twice": (
        'rules:\n  - script: "*:a.py"\n    resources: []\n    resources_from: data\n',
        [(4, "rules.0.resources_from", "says both resources and resources_from; leave out one")],
    ),
    "a rule that never speaks": (
        'rules:\n  - script: "standard:a/**"\n  - script: "standard:b.py"\n  - script: "standard:a/b/c.py"\n',
        [
            (
                4,
                "rules.2.script",
                "never speaks: for each of its scripts standard:a/** in _init.yaml, line 2 "
                "speaks first; move it up, or leave it out",
            )
        ],
    ),
    "a rule that never speaks because of two": (
        'rules:\n  - script: "standard:*.py"\n  - script: "external:**"\n  - script: "*:a?.py"\n',
        [
            (
                4,
                "rules.2.script",
                "never speaks: for each of its scripts standard:*.py in "
                "_init.yaml, line 2 or external:** in _init.yaml, line 3 speak first; "
                "move it up, or leave it out",
            )
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), FAULTY.values(), ids=FAULTY)
def test_faults(write: Write, text: str, expected: list[tuple[int, str, str]]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(write(text))
    assert [(fault.line, fault.key, fault.text) for fault in raised.value.faults] == expected
    assert {fault.file.name for fault in raised.value.faults} == {"_init.yaml"}


def test_a_fault_in_words(write: Write) -> None:
    folder = write("slots:\n  - name: a\n    capacity: 0\n")
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(folder)
    place = folder.path / "_init.yaml"
    assert str(raised.value) == f"{place}, line 3, slots.0.capacity: 0 is less than the minimum of 1"


def test_a_fault_is_in_the_file_that_said_it(write: Write) -> None:
    folder = write(
        "groups:\n  A: [ESS]\nslots:\n  - name: a\n", site="base", _base="groups:\n  B: [A]\n  A: [B]\n"
    )
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(folder)
    assert [(fault.file.name, fault.line, fault.key) for fault in raised.value.faults] == [
        ("_base.yaml", 2, "groups.B.0")
    ]


def test_a_file_that_is_not_text(write: Write) -> None:
    folder = write()
    (folder.path / "_init.yaml").write_bytes(b"\x7fELF\xff")
    with pytest.raises(ConfigurationError, match=r"_init\.yaml: is not text"):
        read_configuration(folder)


def test_a_file_that_cannot_be_read(write: Write) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_document(write().path)
