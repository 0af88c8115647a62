"""What the bank suite runs against: any node that speaks the Cosmos SDK's REST, with one funded account."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx  # noqa: TID253 - the suite speaks to nodes without our own client

from r3cli.chain.cosmos.address import encode_address
from r3cli.chain.cosmos.message import Message
from r3cli.chain.cosmos.messages import Coin, Fee, MsgSend
from r3cli.chain.cosmos.tx import SignedTx, sign_tx
from r3cli.secret import Secret
from r3cli.wallet.signer import LocalSigner

INCLUSION_SECONDS = 20.0


def key(number: int) -> LocalSigner:
    """A key that only tests know."""
    return LocalSigner(Secret(bytes([number]) * 32))


@dataclass
class Reply:
    """An HTTP status with its JSON."""

    status: int
    body: Any

    @property
    def outcome(self) -> tuple[int, str]:
        """Code and codespace of a broadcast or of an included transaction."""
        return self.body["tx_response"]["code"], self.body["tx_response"]["codespace"]

    @property
    def log(self) -> str:
        log: str = self.body["tx_response"]["raw_log"]
        return log


@dataclass
class Target:
    """A running node. `funded` has much money; `restart` ends the process and starts it on the same data."""

    endpoint: str
    chain_id: str
    prefix: str
    denom: str
    funded: LocalSigner
    restart: Callable[[], None]

    def __post_init__(self) -> None:
        if self.endpoint.startswith("unix://"):
            transport = httpx.HTTPTransport(uds=self.endpoint.removeprefix("unix://"))
            self.http = httpx.Client(transport=transport, base_url="http://localhost", trust_env=False, timeout=30)
        else:
            self.http = httpx.Client(base_url=self.endpoint, trust_env=False, timeout=30)

    def address(self, signer: LocalSigner) -> str:
        return encode_address(signer.public_key, self.prefix)

    def get(self, path: str) -> Reply:
        answer = self.http.get(path)
        return Reply(answer.status_code, answer.json())

    def broadcast(self, raw: bytes) -> Reply:
        return self._post("/cosmos/tx/v1beta1/txs", raw, {"mode": "BROADCAST_MODE_SYNC"})

    def simulate(self, raw: bytes) -> Reply:
        return self._post("/cosmos/tx/v1beta1/simulate", raw, {})

    def tx(self, tx_hash: str) -> Reply:
        return self.get(f"/cosmos/tx/v1beta1/txs/{tx_hash}")

    def included(self, tx_hash: str) -> Reply:
        """The transaction once it is in a block."""
        deadline = time.monotonic() + INCLUSION_SECONDS
        while True:
            found = self.tx(tx_hash)
            if found.status == 200:
                return found
            assert (found.status, found.body["code"]) == (404, 5)
            assert time.monotonic() < deadline, f"{tx_hash} was not included"
            time.sleep(0.1)

    def account(self, address: str) -> Reply:
        return self.get(f"/cosmos/auth/v1beta1/accounts/{address}")

    def numbers(self) -> tuple[int, int]:
        """Account number and sequence of the funded account."""
        found = self.account(self.address(self.funded)).body["account"]
        return int(found["account_number"]), int(found["sequence"])

    def balance(self, address: str) -> int:
        found = self.get(f"/cosmos/bank/v1beta1/balances/{address}/by_denom?denom={self.denom}")
        return int(found.body["balance"]["amount"])

    def height(self) -> int:
        return int(self.get("/cosmos/base/tendermint/v1beta1/blocks/latest").body["block"]["header"]["height"])

    def send(self, amount: int = 1, *, to: str | None = None, **changes: Any) -> SignedTx:
        """A signed transfer from the funded account, good unless something is changed."""
        recipient = to or self.address(key(2))
        coins = (Coin(denom=self.denom, amount=str(amount)),)
        message = MsgSend(from_address=self.address(self.funded), to_address=recipient, amount=coins)
        return self.sign([message], **changes)

    def sign(
        self,
        messages: list[Message],
        *,
        signer: LocalSigner | None = None,
        sequence_offset: int = 0,
        number_offset: int = 0,
        chain_id: str | None = None,
        fee: int = 500,
        gas: int = 200_000,
        timeout_height: int = 0,
    ) -> SignedTx:
        """A transaction with the funded account's next sequence, or with what is changed of it."""
        number, sequence = self.numbers()
        coins = (Coin(denom=self.denom, amount=str(fee)),) if fee else ()
        return sign_tx(
            messages,
            signer or self.funded,
            chain_id=chain_id or self.chain_id,
            account_number=number + number_offset,
            sequence=sequence + sequence_offset,
            fee=Fee(amount=coins, gas_limit=gas),
            timeout_height=timeout_height,
        )

    def _post(self, path: str, raw: bytes, extra: dict[str, str]) -> Reply:
        answer = self.http.post(path, json={"tx_bytes": base64.b64encode(raw).decode(), **extra})
        return Reply(answer.status_code, answer.json())
