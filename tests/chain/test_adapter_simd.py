"""The adapter over a real Cosmos SDK chain."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from r3cli.chain.cosmos.adapter import CosmosChain
from r3cli.chain.cosmos.answers import ChainRefused, Meaning, Stage
from r3cli.chain.cosmos.client import CosmosClient
from r3cli.chain.cosmos.message import decode
from r3cli.chain.cosmos.messages import Coin, MsgSend, MsgSendResponse
from r3cli.chain.cosmos.plan import ChainConfig
from r3cli.errors import InsufficientFunds, OutcomeUnknown
from r3cli.journal import Journal, State
from r3cli.network.r3mes.messages import MsgClaimTask
from r3cli.paths import find_paths
from tests.chain.target import key
from tests.engines.simd import Simd

pytestmark = pytest.mark.engine("simd")

SIGNER = key(51)
TARGET = key(52)


@pytest.fixture
def chain(simd: Simd, tmp_path: Path) -> Iterator[CosmosChain]:
    paths = find_paths(tmp_path / "state")
    config = ChainConfig(
        prefix=simd.prefix, denom=simd.denom, gas_price=Decimal(simd.gas_price), timeout_blocks=20, confirm_seconds=20
    )
    with CosmosClient([simd.rest], chain_id=simd.chain_id) as client:
        adapter = CosmosChain(config, client, Journal(paths.journal), paths)
        if adapter.balance(adapter.address(SIGNER.public_key)).base < 1_000_000:
            simd.fund(adapter.address(SIGNER.public_key))
        yield adapter


def _send(chain: CosmosChain, amount: int) -> MsgSend:
    coin = Coin(denom=chain.config.denom, amount=str(amount))
    sender, recipient = (chain.address(signer.public_key) for signer in (SIGNER, TARGET))
    return MsgSend(from_address=sender, to_address=recipient, amount=(coin,))


def test_a_transfer_and_the_same_once_more(chain: CosmosChain) -> None:
    recipient = chain.address(TARGET.public_key)
    before = chain.balance(recipient).base
    message = _send(chain, 7)
    confirmed = chain.execute("transfer", {"n": 7}, [message], SIGNER, network="simd")
    assert decode(MsgSendResponse, confirmed.responses[0]) == MsgSendResponse()
    assert confirmed.gas_used <= confirmed.gas_wanted
    assert {"transfer", "tx"} <= {happened.type for happened in confirmed.events}
    again = chain.execute("transfer", {"n": 7}, [message], SIGNER, network="simd")
    assert (again.tx_hash, again.fresh) == (confirmed.tx_hash, False)
    assert chain.balance(recipient).base == before + 7
    block = chain.client.block(confirmed.height)
    assert len(block.transactions) == 1


def test_bytes_that_the_restarted_node_calls_a_wrong_sequence(
    chain: CosmosChain, simd: Simd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply is lost, the node restarts, and the next run finds the payment instead of paying again."""
    recipient = chain.address(TARGET.public_key)
    before = chain.balance(recipient).base
    broadcast = chain.client.broadcast

    class Killed(BaseException):
        pass

    def die_after(raw: bytes) -> None:
        broadcast(raw)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(chain.client, "broadcast", die_after)
        with pytest.raises(Killed):
            chain.execute("transfer", {"n": 8}, [_send(chain, 8)], SIGNER, network="simd")
    simd.restart()
    confirmed = chain.execute("transfer", {"n": 8}, [_send(chain, 8)], SIGNER, network="simd")
    assert not confirmed.fresh
    assert chain.balance(recipient).base == before + 8


def test_an_unsent_transaction_expires_and_is_settled(chain: CosmosChain, monkeypatch: pytest.MonkeyPatch) -> None:
    from r3cli.chain.cosmos.client import Unanswered

    hasty = msgspec.structs.replace(chain.config, timeout_blocks=1, confirm_seconds=0.01)
    chain.config = hasty

    def lose(raw: bytes) -> None:
        raise Unanswered("lost")

    with monkeypatch.context() as patch:
        patch.setattr(chain.client, "broadcast", lose)
        with pytest.raises(OutcomeUnknown):
            chain.execute("transfer", {"n": 9}, [_send(chain, 9)], SIGNER, network="simd")
    journal = chain._journal
    chain.config = msgspec.structs.replace(hasty, confirm_seconds=20)
    while chain.settle(journal.get(1)).state is State.UNKNOWN:
        chain.client.head()
    assert journal.get(1).state is State.FAILED
    assert journal.attempts(1)[0].outcome == "void"


def test_refusals_are_told_apart(chain: CosmosChain) -> None:
    with pytest.raises(InsufficientFunds):
        chain.execute("transfer", {"n": 0}, [_send(chain, 10**18)], SIGNER, network="simd")
    with pytest.raises(InsufficientFunds, match="never received"):
        chain.plan([_send(chain, 1)], key(77))
    with pytest.raises(ChainRefused) as caught:
        chain.plan([MsgClaimTask(miner="x")], SIGNER)
    assert (caught.value.meaning, caught.value.answer.stage) == (Meaning.UNKNOWN_MESSAGE, Stage.SIMULATE)
    cheap = msgspec.structs.replace(chain.config, gas_price=Decimal("0.0001"))
    chain.config = cheap
    with pytest.raises(ChainRefused) as caught:
        chain.execute("transfer", {"n": 1}, [_send(chain, 1)], SIGNER, network="simd")
    assert (caught.value.meaning, caught.value.answer.stage) == (Meaning.FEE_TOO_LOW, Stage.CHECK)


def test_gas_that_does_not_reach_is_a_failure_that_cost_the_fee(chain: CosmosChain) -> None:
    chain.config = msgspec.structs.replace(chain.config, gas_adjustment=0.97)
    with pytest.raises(ChainRefused) as caught:
        chain.execute("transfer", {"n": 2}, [_send(chain, 1)], SIGNER, network="simd")
    assert (caught.value.meaning, caught.value.answer.stage) == (Meaning.OUT_OF_GAS, Stage.INCLUDED)
    assert chain._journal.get(1).state is State.FAILED
