"""Keys and addresses of R3MES tools, and the store that never overwrites."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from r3cli.chain.cosmos.address import encode_address
from r3cli.errors import AlreadyExists, Malformed, NotFound, UnsafePermissions, Usage
from r3cli.secret import Secret
from r3cli.wallet import keystore, mnemonic
from r3cli.wallet.keys import check_private_key, private_key
from r3cli.wallet.keystore import Account, Keystore
from r3cli.wallet.sealing import HeldSecret
from r3cli.wallet.signer import CURVE_ORDER, LocalSigner
from r3cli.wallet.store import WalletStore

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "r3mes_wallets.json").read_text())
DERIVATIONS = ("seed", "m/44'/118'/0'/0/0", "m/44'/9999'/0'/0/0")


@pytest.mark.parametrize(("vector", "derivation"), list(zip(VECTORS["wallets"], DERIVATIONS, strict=True)))
def test_r3mes_wallets(vector: dict[str, str], derivation: str) -> None:
    held = HeldSecret("entropy", mnemonic.to_entropy(Secret(VECTORS["mnemonic"])))
    key = private_key(held, derivation)
    signer = LocalSigner(key)
    assert key.reveal().hex() == vector["priv_hex"]
    assert signer.public_key.hex() == vector["pub_compressed_hex"]
    assert encode_address(signer.public_key, "remes") == vector["address"]


def test_cosmos_control_address() -> None:
    held = HeldSecret("entropy", mnemonic.to_entropy(Secret(VECTORS["mnemonic"])))
    assert (
        encode_address(LocalSigner(private_key(held, DERIVATIONS[1])).public_key, "cosmos") == VECTORS["cosmos_control"]
    )


@pytest.mark.parametrize("value", [0, CURVE_ORDER, CURVE_ORDER + 1, (1 << 256) - 1])
def test_numbers_that_are_no_key(value: int) -> None:
    with pytest.raises(Usage, match="order"):
        check_private_key(Secret(value.to_bytes(32, "big")))


@pytest.mark.parametrize(("kind", "derivation"), [("private-key", "m/0"), ("entropy", None), ("sr25519-seed", None)])
def test_secrets_that_this_version_cannot_use(kind: str, derivation: str | None) -> None:
    with pytest.raises(Malformed, match="cannot make a key"):
        private_key(HeldSecret(kind, Secret(b"\x01" * 32)), derivation)


def watched(name: str, address: str = "remes1xyz") -> Keystore:
    account = Account(
        name="main",
        family="cosmos",
        algorithm="secp256k1",
        derivation=None,
        public_key=None,
        address=address,
        secret=None,
    )
    return Keystore(name=name, created="2026-11-21T10:00:00Z", accounts=(account,), sealed=None)


def test_store_keeps_and_lists(tmp_path: Path) -> None:
    store = WalletStore(tmp_path / "wallets")
    assert store.names() == []
    path = store.add(watched("ops"))
    store.add(watched("a-2_b"))
    (path.parent / ".ops.json.half").write_text("crash")
    (path.parent / "notes.txt").write_text("mine")
    assert store.names() == ["a-2_b", "ops"]
    assert store.load("ops") == watched("ops")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_store_never_overwrites(tmp_path: Path) -> None:
    store = WalletStore(tmp_path / "wallets")
    path = store.add(watched("ops", "remes1first"))
    before = path.read_bytes()
    with pytest.raises(AlreadyExists):
        store.add(watched("ops", "remes1second"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_of_two_processes_one_wins(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    outcomes = context.Queue()

    def race(number: int) -> None:
        barrier.wait()
        try:
            WalletStore(tmp_path).add(watched("ops", f"remes1number{number}"))
        except AlreadyExists:
            outcomes.put(None)
        else:
            outcomes.put(number)

    processes = [context.Process(target=race, args=(number,)) for number in range(4)]
    for process in processes:
        process.start()
    results = [outcomes.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    (winner,) = [number for number in results if number is not None]
    assert WalletStore(tmp_path).load("ops").accounts[0].address == f"remes1number{winner}"


def test_store_refuses(tmp_path: Path) -> None:
    store = WalletStore(tmp_path)
    with pytest.raises(NotFound):
        store.load("ops")
    path = store.add(watched("ops"))
    path.chmod(0o644)
    with pytest.raises(UnsafePermissions):
        store.load("ops")
    path.chmod(0o600)
    path.rename(tmp_path / "eve.json")
    with pytest.raises(Malformed, match="holds wallet ops"):
        store.load("eve")
    (tmp_path / "eve.json").write_bytes(keystore.encode(watched("eve"))[:-20])
    with pytest.raises(Malformed):
        store.load("eve")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "-x", "ops.json", "x" * 64, "ops\n", "ö", "a b"])
def test_names_that_are_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(Usage):
        WalletStore(tmp_path).path(name)
