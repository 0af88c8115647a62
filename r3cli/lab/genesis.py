"""Everything that a lab network is before its first block, as a function of one seed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from r3cli.chain.cosmos.address import encode_address, encode_bech32
from r3cli.secret import Secret

Mode = Literal["full", "published"]

REMES = 1_000_000  # base units of one remes
MINERS = tuple(f"miner-{index}" for index in range(16))
STAFF = ("proposer", "verifier", "resolver")
FAUCET = "faucet"

FEE_COLLECTOR = "fee_collector"
STAKES = "remes_stakes"
BONDS = "remes_bonds"
TREASURY = "remes_treasury"
MODULE_ACCOUNTS = (FEE_COLLECTOR, STAKES, BONDS, TREASURY)

_START = datetime(2026, 1, 1, tzinfo=UTC)


class Genesis(msgspec.Struct, frozen=True, kw_only=True):
    """The constants of one lab network.

    `gas_price` is the node's minimum in thousandths of a base unit per unit of gas, as `0.001uremes` on a real
    node. `funds` maps addresses to base units and is fixed here so that any account may be given money.
    """

    seed: int
    chain_id: str
    mode: Mode
    model_ipfs_hash: str
    funds: dict[str, int]
    resolver: str
    faucet: str
    prefix: str = "remes"
    denom: str = "uremes"
    gas_price: int = 1

    @property
    def block_hash(self) -> bytes:
        """32 bytes that stand for the chain's history; the seeds of rounds come from them, not from traffic."""
        return hashlib.sha256(b"r3/local/genesis" + self.chain_id.encode() + self.seed.to_bytes(8, "big")).digest()

    def block_time(self, height: int) -> datetime:
        """Logical time: one second a block."""
        return _START + timedelta(seconds=height)

    def round_seed(self, training_round: int) -> int:
        """The u64 from which a round's data is drawn."""
        digest = hashlib.sha256(self.block_hash + training_round.to_bytes(8, "big")).digest()
        return int.from_bytes(digest[:8], "big")

    def module_address(self, name: str) -> str:
        """The address of an account without a key, as the Cosmos SDK derives it."""
        return encode_bech32(self.prefix, hashlib.sha256(name.encode()).digest()[:20])


def make_genesis(
    seed: int,
    *,
    mode: Mode = "full",
    model_ipfs_hash: str = "",
    prefix: str = "remes",
    denom: str = "uremes",
    chain_id: str = "",
) -> Genesis:
    """The genesis of a seed (u64): development accounts with money, and a treasury that rewards come from."""
    genesis = Genesis(
        seed=seed,
        chain_id=chain_id or local_chain_id(seed),
        mode=mode,
        model_ipfs_hash=model_ipfs_hash,
        funds={},
        resolver=development_address(seed, "resolver", prefix=prefix),
        faucet=development_address(seed, FAUCET, prefix=prefix),
        prefix=prefix,
        denom=denom,
    )
    funds = {development_address(seed, name, prefix=prefix): 1_000_000 * REMES for name in (*MINERS, *STAFF)}
    funds[genesis.faucet] = 1_000_000_000 * REMES
    funds[genesis.module_address(TREASURY)] = 1_000_000_000 * REMES
    return msgspec.structs.replace(genesis, funds=funds)


def local_chain_id(seed: int) -> str:
    """The chain id that belongs to a seed."""
    return "r3-local-" + hashlib.sha256(b"r3/local/chain" + seed.to_bytes(8, "big")).hexdigest()[:8]


def development_key(seed: int, name: str) -> Secret:
    """The private key of a development account. Anyone can derive it, so it must never hold real money."""
    return Secret(hashlib.sha256(f"r3/local/key/{name}/{seed}".encode()).digest())


def development_address(seed: int, name: str, *, prefix: str = "remes") -> str:
    """The address that belongs to `development_key`."""
    from r3cli.wallet.signer import LocalSigner  # only those who found or use a network need cryptography

    return encode_address(LocalSigner(development_key(seed, name)).public_key, prefix)
