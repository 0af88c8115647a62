"""Creating, importing, listing and showing wallets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from r3cli.accounts.creation import create_wallet, open_entropy, resolve_derivation, show_mnemonic
from r3cli.accounts.importing import import_mnemonic, import_private_key, watch_wallet
from r3cli.accounts.listing import list_wallets, show_wallet
from r3cli.errors import AlreadyExists, NeedsInput, NotFound, Refused, Usage, WrongPassphrase
from r3cli.paths import Paths
from r3cli.secret import Secret
from r3cli.wallet.keys import open_signer
from r3cli.wallet.mnemonic import to_mnemonic
from r3cli.wallet.sealing import Cost
from r3cli.wallet.unlock import PassphraseSource

CHEAP = Cost(memory_kib=1024, iterations=1, lanes=1)
SOURCE = PassphraseSource(ask=lambda _: Secret("correct horse"))
NOBODY = PassphraseSource()
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "r3mes_wallets.json").read_text())
ADDRESS = VECTORS["wallets"][1]["address"]
PUBLIC_KEY = VECTORS["wallets"][1]["pub_compressed_hex"]


def read_mnemonic(paths: Paths, name: str, source: PassphraseSource) -> Secret:
    return to_mnemonic(open_entropy(paths, name, source).value)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(*(tmp_path / folder for folder in ("config", "state", "data", "cache", "runtime")))


def test_created_wallet_opens_and_shows_its_mnemonic_once(paths: Paths) -> None:
    shown: list[bytes] = []
    result = create_wallet(
        paths, "ops", SOURCE, prefix="remes", reveal=lambda words: shown.append(words.reveal()), cost=CHEAP
    )
    assert result.ok
    assert result.warnings == ()
    assert result.data.mnemonic_shown
    assert result.data.wallet is not None
    (words,) = shown
    assert len(words.split()) == 24
    assert read_mnemonic(paths, "ops", SOURCE).reveal() == words
    signer = open_signer(paths, "ops", SOURCE)
    assert signer.public_key.hex() == result.data.wallet.accounts[0].public_key
    again = import_mnemonic(paths, "again", Secret(words), SOURCE, prefix="remes", cost=CHEAP)
    assert again.data.wallet is not None
    assert again.data.wallet.accounts[0].address == result.data.wallet.accounts[0].address


def test_unwatched_creation_warns(paths: Paths) -> None:
    result = create_wallet(paths, "ops", SOURCE, prefix="remes", words=12, cost=CHEAP)
    assert not result.data.mnemonic_shown
    assert result.warnings
    assert "r3 wallet show ops --mnemonic" in result.warnings[0]
    assert len(read_mnemonic(paths, "ops", SOURCE).reveal().split()) == 12


def test_short_passphrase_warns(paths: Paths) -> None:
    short = PassphraseSource(ask=lambda _: Secret("pw"))
    result = create_wallet(paths, "ops", short, prefix="remes", cost=CHEAP)
    assert any("short" in warning for warning in result.warnings)


def test_without_a_passphrase_nothing_is_created(paths: Paths) -> None:
    with pytest.raises(NeedsInput):
        create_wallet(paths, "ops", NOBODY, prefix="remes")
    assert not paths.wallets.exists()


def test_existing_wallet_is_refused_before_anyone_is_asked(paths: Paths) -> None:
    create_wallet(paths, "ops", SOURCE, prefix="remes", cost=CHEAP)
    with pytest.raises(AlreadyExists):
        create_wallet(paths, "ops", NOBODY, prefix="remes")
    with pytest.raises(AlreadyExists):
        watch_wallet(paths, "ops", ADDRESS, prefix="remes")


@pytest.mark.parametrize("words", [0, 11, 13, 25])
def test_number_of_words(paths: Paths, words: int) -> None:
    with pytest.raises(Usage):
        create_wallet(paths, "ops", SOURCE, prefix="remes", words=words)


def test_dry_run_writes_nothing(paths: Paths) -> None:
    result = create_wallet(paths, "ops", NOBODY, prefix="remes", dry_run=True)
    assert result.data.dry_run
    assert watch_wallet(paths, "ops", ADDRESS, prefix="remes", dry_run=True).data.wallet is not None
    assert not paths.wallets.exists()


@pytest.mark.parametrize(
    ("derivation", "index"), [("seed", 0), ("cosmos", 1), ("remesd", 2), ("m/44h/9999h/0h/0/0", 2)]
)
def test_mnemonic_of_every_r3mes_tool(paths: Paths, derivation: str, index: int) -> None:
    words = Secret(VECTORS["mnemonic"])
    import_mnemonic(paths, "ops", words, SOURCE, prefix="remes", derivation=derivation, cost=CHEAP)
    (account,) = show_wallet(paths, "ops", "remes").data.accounts
    assert account.address == VECTORS["wallets"][index]["address"]
    assert account.public_key == VECTORS["wallets"][index]["pub_compressed_hex"]
    assert open_signer(paths, "ops", SOURCE).public_key.hex() == account.public_key


def test_bip39_passphrase_gives_another_account(paths: Paths) -> None:
    words = Secret(VECTORS["mnemonic"])
    extra = Secret("TREZOR")
    import_mnemonic(paths, "ops", words, SOURCE, prefix="remes", bip39_passphrase=extra, cost=CHEAP)
    (account,) = show_wallet(paths, "ops", "remes").data.accounts
    assert account.address != ADDRESS
    assert open_signer(paths, "ops", SOURCE).public_key.hex() == account.public_key
    shown: list[bytes] = []
    result = show_mnemonic(paths, "ops", SOURCE, lambda text: shown.append(text.reveal()), prefix="remes")
    assert shown == [VECTORS["mnemonic"].encode()]
    assert "BIP39 passphrase" in result.warnings[0]
    with pytest.raises(NeedsInput, match="terminal"):
        show_mnemonic(paths, "ops", SOURCE, None, prefix="remes")


@pytest.mark.parametrize("text", ["{}", "0x{}", " {}\n"])
def test_private_key(paths: Paths, text: str) -> None:
    key = Secret(text.format(VECTORS["wallets"][1]["priv_hex"]))
    import_private_key(paths, "ops", key, SOURCE, prefix="remes", cost=CHEAP)
    assert open_signer(paths, "ops", SOURCE).public_key.hex() == PUBLIC_KEY
    with pytest.raises(Refused, match="not made from a mnemonic"):
        read_mnemonic(paths, "ops", SOURCE)


@pytest.mark.parametrize("text", ["", "12", "zz" * 32, "00" * 32, "ff" * 32, "ab" * 33, b"\xff" * 64])
def test_private_keys_that_are_none(paths: Paths, text: str | bytes) -> None:
    with pytest.raises(Usage) as caught:
        import_private_key(paths, "ops", Secret(text), SOURCE, prefix="remes")
    assert caught.value.__cause__ is None
    assert not paths.wallets.exists()


@pytest.mark.parametrize("identity", [ADDRESS, ADDRESS.upper(), PUBLIC_KEY])
def test_watch_only(paths: Paths, identity: str) -> None:
    watch_wallet(paths, "eyes", identity, prefix="remes")
    shown = show_wallet(paths, "eyes", "remes").data
    assert shown.watch_only
    assert shown.accounts[0].address == ADDRESS
    with pytest.raises(Refused, match="watch-only"):
        open_signer(paths, "eyes", NOBODY)
    with pytest.raises(Refused):
        read_mnemonic(paths, "eyes", NOBODY)


@pytest.mark.parametrize("identity", ["", "remes1oops", ADDRESS[:-1] + "q", "04" + "ab" * 32, "02" + "ff" * 32, "abcd"])
def test_identities_that_are_none(paths: Paths, identity: str) -> None:
    with pytest.raises(Usage):
        watch_wallet(paths, "eyes", identity, prefix="remes")


def test_addresses_follow_the_network(paths: Paths) -> None:
    watch_wallet(paths, "eyes", PUBLIC_KEY, prefix="remes")
    assert show_wallet(paths, "eyes", "cosmos").data.accounts[0].address == VECTORS["cosmos_control"]


def test_list_shows_the_good_beside_the_bad(paths: Paths) -> None:
    assert list_wallets(paths, "remes").data.wallets == ()
    watch_wallet(paths, "eyes", ADDRESS, prefix="remes")
    watch_wallet(paths, "all", PUBLIC_KEY, prefix="remes")
    (paths.wallets / "broken.json").write_bytes(b"{")
    (paths.wallets / "broken.json").chmod(0o600)
    result = list_wallets(paths, "remes")
    assert [wallet.name for wallet in result.data.wallets] == ["all", "eyes"]
    assert [failure.target for failure in result.failures] == ["broken"]
    assert result.exit_code == 8


def test_wrong_passphrase_and_missing_wallet(paths: Paths) -> None:
    create_wallet(paths, "ops", SOURCE, prefix="remes", cost=CHEAP)
    with pytest.raises(WrongPassphrase):
        open_signer(paths, "ops", PassphraseSource(ask=lambda _: Secret("wrong")))
    with pytest.raises(NotFound):
        open_signer(paths, "none", SOURCE)


@pytest.mark.parametrize("text", ["", "keplr", "m", "m/44'/118'/0'/0/0", "m/a"])
def test_derivations(text: str) -> None:
    if text.startswith("m") and text != "m/a":
        assert resolve_derivation(text) == text
    else:
        with pytest.raises(Usage) as caught:
            resolve_derivation(text)
        assert "remesd" in str(caught.value.hint)
