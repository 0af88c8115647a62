"""The tree of commands: every row loads, shows examples that parse, and has a schema."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tests.conftest import RunR3
from tests.contract.documents import frame

FIRST = ["wallet", "train", "status", "logs"]
MAX_HELP_LINES = 60


@pytest.fixture(scope="module")
def nodes() -> list[Any]:
    return list(frame("_tree").nodes())


@pytest.fixture(scope="module")
def leaves(nodes: list[Any]) -> list[Any]:
    return [node for node in nodes if not node.children]


def test_the_operators_words_come_first() -> None:
    assert list(frame("app").TREE)[: len(FIRST)] == FIRST


def test_help_in_the_tree_is_that_of_the_command(nodes: list[Any]) -> None:
    for node in nodes:
        assert node.about, node.typed
        assert node.about.endswith("."), node.typed


def test_every_command_has_the_output_options(leaves: list[Any]) -> None:
    for node in leaves:
        names = {name for param in node.params for name in param.opts}
        assert names >= {"--json", "--output", "-q", "-v", "--debug", "--no-color", "--no-input"}, node.typed


def test_every_command_has_a_schema(leaves: list[Any]) -> None:
    schemas = frame("_schemas")
    assert {node.dotted for node in leaves} == {*schemas.DATA, *schemas.STREAMS}


def test_every_example_is_a_command_that_parses(leaves: list[Any]) -> None:
    for node in leaves:
        assert node.examples, node.typed
        for line in node.examples:
            command = line.partition("|")[0].partition(" > ")[0].partition(" < ")[0]
            words = shlex.split(command, comments=True)
            assert words[: len(node.path)] == list(node.path), line
            arguments = words[len(node.path) :]
            context = node.command.make_context(node.path[-1], arguments, parent=node.context.parent)
            assert context.args == [], line


def test_help_shows_examples_first_and_stays_short(nodes: list[Any], r3: RunR3) -> None:
    for node in nodes:
        shown = r3(*node.path[1:], "--help")
        assert shown.exit_code == 0
        assert shown.stderr == ""
        lines = shown.stdout.splitlines()
        assert len(lines) < MAX_HELP_LINES, node.typed
        headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
        assert headings[0] == "Examples:", node.typed


def test_settings_and_wallets_of_completion_exist(nodes: list[Any]) -> None:
    completion = frame("_completion")
    typed = {node.typed for node in nodes}
    options = {name for node in nodes for param in node.params for name in param.opts}
    assert set(completion.ARGUMENT_VALUES) <= typed
    assert set(completion.OPTION_VALUES) <= options
    words = {*completion.ARGUMENT_VALUES.values(), *completion.OPTION_VALUES.values()}
    assert {word for word in words if " " not in word} <= set(frame("_names").KINDS)
