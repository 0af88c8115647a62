"""`r3 wallet` through the front door, without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from r3cli.paths import find_paths
from tests.conftest import RunR3, r3_command

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "r3mes_wallets.json").read_text())
WALLET = VECTORS["wallets"][1]
PASSPHRASE = "correct horse battery"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    return private_file(tmp_path / "passphrase", PASSPHRASE + "\n")


def private_file(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def ops(r3: RunR3, tmp_path: Path, secret_file: Path) -> str:
    """A wallet with the key of the published vectors."""
    key = private_file(tmp_path / "key", WALLET["priv_hex"])
    assert r3("wallet", "import", "ops", "--private-key-file", key, "--passphrase-file", secret_file).exit_code == 0
    return "ops"


def test_create_show_and_list(r3: RunR3, secret_file: Path) -> None:
    created = r3("wallet", "create", "ops", "--passphrase-file", secret_file, "--json")
    assert created.exit_code == 0
    assert created.json["schema"] == "r3.wallet.create/1"
    assert not created.data["mnemonic_shown"]
    assert "r3 wallet show ops --mnemonic" in created.json["warnings"][0]
    assert r3("wallet", "show", "ops", "--json").data == created.data["wallet"]
    assert r3("wallet", "list", "--json").data["wallets"] == [created.data["wallet"]]
    assert created.data["wallet"]["accounts"][0]["address"] in r3("wallet", "list").stdout
    assert r3("wallet", "list", "-q").stdout == "ops\n"


def test_creation_never_overwrites(r3: RunR3, ops: str, secret_file: Path) -> None:
    file = find_paths().wallets / f"{ops}.json"
    before = file.read_bytes()
    again = r3("wallet", "create", ops, "--passphrase-file", secret_file, "--json")
    assert (again.exit_code, again.json["error"]["name"]) == (7, "already_exists")
    assert file.read_bytes() == before


@pytest.mark.parametrize("stdin", [None, "", "\n"])
def test_no_input_creates_nothing(r3_process: RunR3, stdin: str | None) -> None:
    for source in ((), ("--passphrase-fd", "0"), ("--passphrase-fd", "9")):
        ran = r3_process("wallet", "create", "ops", *source, "--json", stdin=stdin)
        assert ran.exit_code == 4, ran
        assert ran.json["error"]["name"] == "needs_input"
        assert "--passphrase-file" in ran.json["error"]["hint"]
    assert not find_paths().wallets.exists()


def test_passphrase_from_a_descriptor(r3_process: RunR3, r3: RunR3) -> None:
    assert r3_process("wallet", "create", "ops", "--passphrase-fd", "0", stdin=PASSPHRASE).exit_code == 0
    signed = r3_process("wallet", "sign", "ops", "--message", "x", "--passphrase-fd", "0", "--json", stdin=PASSPHRASE)
    assert signed.exit_code == 0
    wrong = r3_process("wallet", "sign", "ops", "--message", "x", "--passphrase-fd", "0", stdin="other")
    assert wrong.exit_code == 5
    signature = signed.data["signature"]
    assert r3("wallet", "verify", "ops", "--message", "x", "--signature", signature).exit_code == 0


def test_open_passphrase_file_is_refused(r3: RunR3, secret_file: Path) -> None:
    secret_file.chmod(0o644)
    ran = r3("wallet", "create", "ops", "--passphrase-file", secret_file, "--json")
    assert (ran.exit_code, ran.json["error"]["name"]) == (7, "unsafe_permissions")
    assert not find_paths().wallets.exists()


def test_passphrase_in_the_environment_is_refused(r3_process: RunR3) -> None:
    ran = r3_process("wallet", "create", "ops", "--json", env={"R3_PASSPHRASE": PASSPHRASE})
    assert (ran.exit_code, ran.json["error"]["name"]) == (7, "secret_in_environment")


def test_mnemonic_from_standard_input(r3_process: RunR3, r3: RunR3, secret_file: Path) -> None:
    common = ("--mnemonic-file", "-", "--passphrase-file", secret_file, "--json")
    ran = r3_process("wallet", "import", "kept", *common, stdin=VECTORS["mnemonic"])
    assert ran.data["wallet"]["accounts"][0]["address"] == WALLET["address"]
    seeded = r3_process("wallet", "import", "go", "--derivation", "seed", *common, stdin=VECTORS["mnemonic"] + "\n")
    assert seeded.data["wallet"]["accounts"][0]["address"] == VECTORS["wallets"][0]["address"]
    assert r3_process("wallet", "import", "none", *common, stdin="").exit_code == 4
    assert r3_process("wallet", "import", "none", *common, stdin="zoo " * 12).exit_code == 2
    assert r3("wallet", "list", "-q").stdout == "go\nkept\n"


def test_standard_input_is_read_once(r3: RunR3) -> None:
    ran = r3("wallet", "import", "ops", "--mnemonic-file", "-", "--passphrase-fd", "0", "--json")
    assert ran.exit_code == 2
    assert "standard input" in ran.json["error"]["message"]


def test_contradictory_imports(r3: RunR3) -> None:
    assert r3("wallet", "import", "ops", "--watch", "x", "--mnemonic-file", "y").exit_code == 2
    assert r3("wallet", "import", "ops", "--watch", "x", "--bip39-passphrase-file", "y").exit_code == 2
    assert r3("wallet", "import", "ops").exit_code == 4


def test_dry_runs_write_nothing(r3: RunR3) -> None:
    assert r3("wallet", "create", "ops", "--dry-run").exit_code == 0
    assert r3("wallet", "import", "ops", "--watch", WALLET["address"], "--dry-run").exit_code == 0
    assert not find_paths().wallets.exists()


def test_sign_and_verify(r3: RunR3, ops: str, secret_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"hello")
    signed = r3("wallet", "sign", ops, "--message-file", text, "--passphrase-file", secret_file, "--json")
    assert signed.data["address"] == WALLET["address"]
    by_key = ("--public-key", WALLET["pub_compressed_hex"], "--address", WALLET["address"])
    for signature in (signed.data["signature"], signed.data["signature_hex"]):
        good = r3("wallet", "verify", "--message", "hello", "--signature", signature, *by_key, "--json")
        assert (good.exit_code, good.data["valid"]) == (0, True)
    bad = r3("wallet", "verify", ops, "--message", "hullo", "--signature", signed.data["signature"], "--json")
    assert bad.exit_code == 3
    assert bad.json["error"]["name"] == "verification_failed"
    assert bad.data["reason"] == "signature_mismatch"


def test_text_from_standard_input(r3: RunR3, ops: str, secret_file: Path) -> None:
    common = ("wallet", "sign", ops, "--passphrase-file", secret_file, "--json")
    piped = r3(*common, "--message-file", "-", stdin="hello")
    assert piped.data["signature"] == r3(*common, "--message", "hello").data["signature"]
    assert r3(*common).exit_code == 4


@pytest.mark.parametrize("verb", [("show", "none"), ("sign", "none", "--message", "x")])
def test_wallet_that_does_not_exist(r3: RunR3, verb: tuple[str, ...]) -> None:
    ran = r3("wallet", *verb, "--json")
    assert (ran.exit_code, ran.json["error"]["name"]) == (6, "not_found")


def test_mnemonic_is_not_shown_off_a_terminal(r3: RunR3, r3_process: RunR3, secret_file: Path) -> None:
    r3("wallet", "create", "ops", "--passphrase-file", secret_file)
    for run in (r3, r3_process):
        ran = run("wallet", "show", "ops", "--mnemonic", "--passphrase-file", secret_file)
        assert ran.exit_code == 4
        assert ran.stdout == ""


def test_two_processes_create_one_wallet(secret_file: Path) -> None:
    command = [*r3_command(), "wallet", "create", "ops", "--passphrase-file", str(secret_file)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert sorted(racer.wait(60) for racer in racers) == [0, 7, 7]


def test_secrets_appear_nowhere(r3_process: RunR3, r3: RunR3, tmp_path: Path, secret_file: Path, home: Path) -> None:
    """Good and failing commands, loud and with tracebacks: no secret on any stream or in any file under the home."""
    words = private_file(tmp_path / "words", VECTORS["mnemonic"])
    wrong = private_file(tmp_path / "wrong", "a wrong passphrase")
    bad_words = private_file(tmp_path / "bad_words", VECTORS["mnemonic"].replace("about", "abuot"))
    sign = ("wallet", "sign", "ops", "--message", "x")
    loud = ("--debug", "-vv")
    ran = [
        r3_process("wallet", "import", "ops", "--mnemonic-file", words, "--passphrase-file", secret_file, *loud),
        r3_process("wallet", "import", "bad", "--mnemonic-file", bad_words, "--passphrase-file", secret_file, *loud),
        r3_process("wallet", "import", "bad", "--private-key-file", words, "--passphrase-file", secret_file, *loud),
        r3_process(*sign, "--passphrase-file", secret_file, *loud),
        r3_process(*sign, "--passphrase-file", wrong, *loud),
    ]
    assert [each.exit_code for each in ran] == [0, 2, 2, 0, 5]
    said = "".join(each.stdout + each.stderr for each in ran)
    kept = "".join(path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())
    for secret in (PASSPHRASE, "a wrong passphrase", "abandon", "abuot", WALLET["priv_hex"]):
        assert secret not in said
        assert secret not in kept


def test_a_fault_of_ours_keeps_secrets_out_of_its_traceback(
    r3: RunR3, monkeypatch: pytest.MonkeyPatch, ops: str, secret_file: Path
) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("fault")

    monkeypatch.setattr("r3cli.wallet.signer.LocalSigner.sign", lambda *_, **__: broken())
    ran = r3("wallet", "sign", ops, "--message", "x", "--passphrase-file", secret_file, "--json")
    assert ran.exit_code == 1
    (traceback,) = find_paths().tracebacks.iterdir()
    text = traceback.read_text() + ran.stdout + ran.stderr
    assert "RuntimeError" in text
    assert PASSPHRASE not in text
    assert WALLET["priv_hex"] not in text


@pytest.mark.parametrize("verb", ["list", "show", "sign", "verify"])
def test_light_imports(r3_process: RunR3, ops: str, secret_file: Path, verb: str) -> None:
    signature = "00" * 64
    more = {
        "list": [],
        "show": [ops],
        "sign": [ops, "--message", "x", "--passphrase-file", str(secret_file)],
        "verify": [ops, "--message", "x", "--signature", signature],
    }[verb]
    program = (
        "import sys, atexit\n"
        "heavy = {'torch', 'numpy', 'httpx', 'starlette', 'rich', 'transformers'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        f"from r3cli.__main__ import main; main(['wallet', {verb!r}, *{more!r}])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [r3_command()[0], "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
    )
    assert done.returncode in (0, 3)
    assert done.stderr.splitlines()[-1] == "[]"
