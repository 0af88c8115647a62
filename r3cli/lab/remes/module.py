"""What every handler of the module uses: its records, its rules, its money."""

from __future__ import annotations

from r3cli.chain.cosmos.message import encode
from r3cli.chain.cosmos.messages import Coin
from r3cli.lab.bank import transfer
from r3cli.lab.context import Context
from r3cli.lab.genesis import REMES, TREASURY
from r3cli.lab.proto_json import Timestamp
from r3cli.lab.rejection import REMES as CODESPACE
from r3cli.lab.rejection import Rejection
from r3cli.lab.remes.records import GlobalModelState, NodeRegistration, Payment, Record, Records
from r3cli.network.r3mes.schema import NodeStatus, NodeType

MIN_STAKE = 1000 * REMES
MIN_BOND = 10 * REMES
MINER_REWARD = REMES // 10
PROPOSER_REWARD = REMES // 20
SLASH_PERCENT = 5
REVEAL_BLOCKS = 20
CHALLENGE_BLOCKS = 40

_RECORD_KEY = 12  # bytes of a record's key in a Cosmos store: a prefix and a number

# 1001 to 1021 belong to the published chain; of those the lab uses the one that was observed.
EMPTY_IPFS_HASH = 1007
_CODES = {
    "round not open": 1101,
    "node not registered": 1102,
    "already submitted": 1103,
    "wrong global seed": 1104,
    "invalid participants": 1105,
    "round already committed": 1106,
    "commitment mismatch": 1107,
    "not the proposer": 1108,
    "deadline passed": 1109,
    "invalid stake": 1110,
    "invalid bond": 1111,
    "not open to challenge": 1112,
    "not the resolver": 1113,
    "invalid resolution": 1114,
    "not implemented": 1115,
    "not found": 1116,
    "invalid field": 1117,
}


def refuse(kind: str, text: str) -> Rejection:
    """A rejection in the module's codespace; each kind has its own code."""
    return Rejection(_CODES[kind], CODESPACE, f"{text}: {kind}")


class Module:
    """The module in one block: handlers of messages and of the block's end both work through it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.records = Records(context.state.connection)

    @property
    def height(self) -> int:
        return self.context.height

    @property
    def model(self) -> GlobalModelState | None:
        """The open round; None before a first manifest was published."""
        return self.records.get(GlobalModelState, 0)

    def store(self, record: Record) -> int:
        """Keep a record, at the price of its bytes."""
        self.context.meter.write(_RECORD_KEY, len(encode(record)))
        return self.records.put(record)

    @property
    def first_manifest(self) -> str:
        """The manifest of round 1; empty before one was published."""
        return self.context.state.first_manifest()

    def publish_model(self, manifest: str) -> None:
        """Open round 1 on the manifest with this CID; the caller knows that none is open yet."""
        self.context.state.connection.execute("INSERT INTO meta VALUES ('first_manifest', ?)", (manifest,))
        self.open_round(manifest, 1, 0)

    def open_round(self, manifest: str, training_round: int, last_aggregation_id: int) -> None:
        """Make `training_round` the one that takes work, on the manifest with this CID."""
        time = Timestamp.of(self.context.genesis.block_time(self.height))
        self.store(
            GlobalModelState(
                model_ipfs_hash=manifest,
                model_version=f"round-{training_round}",
                last_updated_height=self.height,
                last_updated_time=time,
                training_round_id=training_round,
                last_aggregation_id=last_aggregation_id,
            )
        )
        self.context.emit("remes_round_opened", training_round_id=str(training_round), model_ipfs_hash=manifest)

    def node(self, address: str, role: NodeType) -> NodeRegistration:
        """The registration under which an address acts in a role; raises `Rejection` when it may not."""
        found = self.records.find(NodeRegistration, owner=address)
        if not found or (role is not found[0].node_type and role not in found[0].roles):
            raise refuse("node not registered", f"{address} is not registered as {role.name}")
        if found[0].status is not NodeStatus.ACTIVE:
            text = f"{address} is {found[0].status.name}: its stake of {found[0].stake} is too small to act"
            raise refuse("node not registered", text)
        return found[0]

    def lock(self, owner: str, amount: int, *, into: str, reason: str, subject: str = "") -> None:
        """Take money from an account into one of the module's; raises `Rejection` 5 when it is not there."""
        coins = (Coin(denom=self.context.genesis.denom, amount=str(amount)),)
        transfer(self.context, owner, self._address(into), coins)
        self._note(reason, owner, amount, subject=subject)

    def pay(self, recipient: str, amount: int, *, out_of: str, reason: str, training_round: int, subject: str) -> None:
        """Pay out of one of the module's accounts."""
        self.context.state.move(self._address(out_of), recipient, amount)
        self._note(reason, recipient, amount, training_round=training_round, subject=subject)

    def burn(self, amount: int, *, out_of: str, subject: str) -> None:
        """Destroy money of one of the module's accounts."""
        self.context.state.burn(self._address(out_of), amount)
        self._note("burn", self._address(out_of), amount, subject=subject)

    def treasury(self) -> int:
        """What is left to pay rewards from."""
        return self.context.state.balance(self._address(TREASURY), self.context.genesis.denom)

    def note_slash(self, address: str, amount: int, *, subject: str) -> None:
        self._note("slash", address, amount, subject=subject)

    def _address(self, name: str) -> str:
        return self.context.genesis.module_address(name)

    def _note(self, reason: str, address: str, amount: int, *, training_round: int = 0, subject: str = "") -> None:
        payment = Payment(
            payment_id=self.records.next_id(Payment),
            height=self.height,
            reason=reason,
            address=address,
            amount=amount,
            training_round_id=training_round,
            subject=subject,
        )
        self.records.put(payment)
        self.context.emit(f"remes_{reason}", address=address, amount=f"{amount}{self.context.genesis.denom}")
