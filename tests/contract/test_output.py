"""What scripts rely on: one document on stdout whatever happens, exit codes, streams, formats."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from r3cli import __version__, errors
from r3cli.errors import ExitCode
from tests.conftest import RunR3

ANSI = re.compile("\x1b")

# Calls that fail before or while they run, with the name and code of the failure.
FAILURES = [
    (["nosuch"], "usage", 2, "r3.error/1"),
    (["wallet", "nosuch"], "usage", 2, "r3.error/1"),
    (["wallet", "show"], "usage", 2, "r3.wallet.show/1"),
    (["wallet", "show", "--nosuch"], "usage", 2, "r3.wallet.show/1"),
    (["wallet", "show", "ops"], "not_found", 6, "r3.wallet.show/1"),
    (["wallet", "show", "../ops"], "usage", 2, "r3.wallet.show/1"),
    (["wallet", "create", "ops"], "needs_input", 4, "r3.wallet.create/1"),
    (["config", "explain", "train.batchsize"], "bad_setting", 2, "r3.config.explain/1"),
    (["logs", "--since", "yesterday"], "usage", 2, "r3.logs/1"),
    (["logs", "--level", "loud"], "usage", 2, "r3.logs/1"),
    (["schema", "nosuch"], "not_found", 6, "r3.schema/1"),
    (["tx", "show", "7"], "not_found", 6, "r3.tx.show/1"),
]


@pytest.mark.parametrize(("argv", "name", "code", "schema"), FAILURES)
def test_a_failure_is_one_document_with_its_exit_code(
    r3: RunR3, argv: list[str], name: str, code: int, schema: str
) -> None:
    for how in (["--json"], ["-o", "json"], ["-ojson"], ["--output=json"]):
        ran = r3(*argv, *how)
        assert ran.exit_code == code
        assert ran.json["schema"] == schema
        assert ran.json["ok"] is False
        assert ran.json["data"] is None
        assert ran.json["error"]["name"] == name
        assert ran.json["error"]["code"] == code
        assert ran.stderr == ""


@pytest.mark.parametrize(("argv", "code"), [(argv, code) for argv, _, code, _ in FAILURES])
def test_a_failure_for_a_person_is_one_line_and_a_cure(r3: RunR3, argv: list[str], code: int) -> None:
    ran = r3(*argv)
    assert ran.exit_code == code
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("  hint: ")
    assert len(lines) == 2


def test_a_failure_in_yaml_and_ndjson_is_one_document_too(r3: RunR3) -> None:
    argv = ["wallet", "show", "ops"]
    assert yaml.safe_load(r3(*argv, "-o", "yaml").stdout)["error"]["name"] == "not_found"
    (line,) = r3(*argv, "-o", "ndjson").lines
    assert (line["type"], line["seq"], line["error"]["name"]) == ("result", 0, "not_found")


def test_a_fault_of_ours_is_one_line_and_a_private_file(r3: RunR3, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash() -> None:
        raise ZeroDivisionError("quoting the secret")

    monkeypatch.setattr("r3cli.monitor.machine.check_python", crash)
    ran = r3("doctor", "--json")
    assert ran.exit_code == 1
    assert ran.stderr == ""
    assert ran.json["error"]["name"] == "unexpected"
    assert "ZeroDivisionError" in ran.json["error"]["message"]
    assert "secret" not in ran.stdout
    (kept,) = (home / "state/r3/tracebacks").iterdir()
    assert str(kept) in ran.json["error"]["hint"]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "Traceback" in kept.read_text()
    shown = r3("doctor", "--debug")
    assert "Traceback" in shown.stderr
    assert shown.stdout == ""


def test_debug_shows_the_traceback_of_our_errors_too(r3: RunR3) -> None:
    ran = r3("wallet", "show", "ops", "--debug", "--json")
    assert "Traceback" in ran.stderr
    assert ran.json["error"]["name"] == "not_found"


def test_every_format_shows_the_same_thing(r3: RunR3) -> None:
    argv = ["config", "show"]
    document = r3(*argv, "--json").json
    keys = [setting["key"] for setting in document["data"]["settings"]]
    assert yaml.safe_load(r3(*argv, "-o", "yaml").stdout) == document
    (line,) = r3(*argv, "-o", "ndjson").lines
    assert {name: line[name] for name in document} == document
    assert r3(*argv, "-q").stdout.splitlines() == keys
    assert r3(*argv, "-o", "name").stdout.splitlines() == keys
    assert [row.split("\t")[0] for row in r3(*argv, "-o", "plain").stdout.splitlines()] == keys
    assert [row.split()[0] for row in r3(*argv).stdout.splitlines()[1:]] == keys


def test_an_unknown_format_is_a_usage_error(r3: RunR3) -> None:
    ran = r3("config", "show", "-o", "xml")
    assert ran.exit_code == 2
    assert "xml" in ran.stderr


def test_no_escape_sequences_off_a_terminal(r3: RunR3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for argv in (["doctor"], ["config", "show"], ["nosuch"], ["--help"]):
        ran = r3(*argv)
        assert not ANSI.search(ran.stdout + ran.stderr), argv


def test_force_color_and_no_color(r3: RunR3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ANSI.search(r3("wallet", "show", "ops").stderr)
    assert not ANSI.search(r3("wallet", "show", "ops", "--no-color").stderr)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not ANSI.search(r3("wallet", "show", "ops").stderr)


def test_what_others_wrote_cannot_steer_the_terminal(r3: RunR3) -> None:
    ran = r3("config", "explain", "train\x1b[2J")
    assert ran.exit_code == 2
    assert not ANSI.search(ran.stderr)


def test_version(r3: RunR3) -> None:
    for argv in (["--version"], ["--version", "wallet"]):
        ran = r3(*argv)
        assert (ran.exit_code, ran.stdout, ran.stderr) == (0, f"r3 {__version__}\n", "")


def test_a_group_without_a_verb_shows_its_help_and_is_a_usage_error(r3: RunR3) -> None:
    for argv in ([], ["wallet"], ["config"]):
        ran = r3(*argv)
        assert ran.exit_code == 2
        assert ran.stdout == ""
        assert "Examples:" in ran.stderr


def test_a_typo_names_what_was_meant(r3: RunR3) -> None:
    assert "did you mean r3 wallet?" in r3("walet").stderr
    assert "did you mean r3 wallet list?" in r3("wallet", "lst").stderr


def test_exit_codes_are_those_of_the_table() -> None:
    table = (
        "OK 0 FAILED 1 USAGE 2 CHECKS_FAILED 3 NEEDS_INPUT 4 UNAUTHORISED 5 NOT_FOUND 6 REFUSED 7 PARTLY_DONE 8 BUSY 9"
    )
    more = "OUTCOME_UNKNOWN 10 TEMPORARY 75 TIMED_OUT 124 INTERRUPTED 130 BROKEN_PIPE 141 TERMINATED 143"
    assert " ".join(f"{code.name} {code.value}" for code in ExitCode) == f"{table} {more}"


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    found = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    drawn = set(re.findall(r"\b[A-Z][a-z]\w+", (errors.__doc__ or "").partition("A message")[0]))
    assert found <= drawn | {"R3Error"}
    names = [kind.name for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.R3Error)]
    assert len(names) == len(set(names))


def test_warnings_stand_in_the_document_or_on_stderr(r3: RunR3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R3MES_BATCH_SIZE", "4")
    document = r3("config", "show", "--json")
    if not document.json["warnings"]:
        pytest.fail("a seed's variable is accepted with a note")
    assert document.stderr == ""
    assert "warning: " in r3("config", "show").stderr
    assert r3("config", "show", "-q").stderr == ""


def test_documents_are_one_line(r3: RunR3) -> None:
    for argv in (["config", "show"], ["doctor"], ["wallet", "list"]):
        text = r3(*argv, "--json").stdout
        assert text.count("\n") == 1
        json.loads(text)


def test_a_part_that_failed_is_exit_8_and_named(r3: RunR3, home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery")
    secret.chmod(0o600)
    assert r3("wallet", "create", "ops", "--passphrase-file", secret).exit_code == 0
    for name in ("bad", "worse"):
        path = home / "data/r3/wallets" / f"{name}.json"
        path.write_text("{")
        path.chmod(0o600)
    ran = r3("wallet", "list", "--json")
    assert ran.exit_code == 8
    assert (ran.json["error"]["code"], ran.json["error"]["name"]) == (8, "partly_done")
    assert "bad" in ran.json["error"]["message"]
    assert "worse" in ran.json["error"]["message"]
    assert [wallet["name"] for wallet in ran.data["wallets"]] == ["ops"]
    shown = r3("wallet", "list")
    assert shown.exit_code == 8
    assert "ops" in shown.stdout
    assert shown.stderr.count("error: ") == 2
