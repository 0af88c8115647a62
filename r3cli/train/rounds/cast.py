"""Casting a run: whose keys act, and that every account has its stake."""

from __future__ import annotations

from r3cli.errors import InsufficientFunds, Refused
from r3cli.network.connect import Connection
from r3cli.settings import Settings
from r3cli.train.rounds.local import LocalNetwork
from r3cli.train.rounds.roles import Actor, Cast
from r3cli.train.rounds.window import Window
from r3cli.wallet.signer import Signer

STAKE = 1_000_000_000  # base units: the schema's minimum of 1000 remes


def cast_of(settings: Settings, connection: Connection, signer: Signer | None) -> Cast:
    """The accounts of a run: the wallet's where there is one, development keys on the local network."""
    own = [Actor.of(signer, settings.values.chain.prefix)] if signer else []
    local = LocalNetwork.behind(connection)
    if local is None:
        if not own:
            raise Refused(f"network {settings.values.network} needs a wallet", hint="--wallet NAME")
        return Cast(miners=own, proposer=own[0], verifier=own[0], resolver=None)
    developers = [local.developer(f"miner-{index}") for index in range(settings.values.train.miners - len(own))]
    return Cast(
        miners=own + developers,
        proposer=local.developer("proposer"),
        verifier=local.developer("verifier"),
        resolver=local.developer("resolver"),
    )


def prepare_accounts(cast: Cast, window: Window, connection: Connection) -> None:
    """Register everybody who acts; on the local network the faucet pays for the stake."""
    for actor in cast.everyone():
        balance = connection.chain.balance(actor.address).base
        if balance < STAKE and connection.queries.node_registration(actor.address) is None:
            local = LocalNetwork.behind(connection)
            if local is None:
                raise InsufficientFunds(
                    f"{actor.address} has {balance} base units and registering takes {STAKE}", target=actor.address
                )
            local.give(actor.address, 2 * STAKE)
        window.register(actor.signer, actor.address, STAKE)
