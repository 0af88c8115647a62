"""What each command's `data` is: a table of types, loaded only when a schema is asked for."""

from __future__ import annotations

from collections.abc import Mapping

VERSION = 1

# A command's dotted name and the type of its `data`, or the types.
DATA: Mapping[str, str] = {
    "config.explain": "r3cli.settings.operations:SettingExplained",
    "config.paths": "r3cli.settings.operations:PathsShown",
    "config.set": "r3cli.settings.operations:SettingChanged",
    "config.show": "r3cli.settings.operations:SettingsShown",
    "config.validate": "r3cli.settings.operations:SettingsValid",
    "doctor": "r3cli.monitor.doctor:Diagnosis",
    "lab.down": "r3cli.lab.operations:LabStopped",
    "lab.faucet": "r3cli.lab.operations:LabGrant",
    "lab.fault": "r3cli.lab.operations:LabFaults",
    "lab.reset": "r3cli.lab.operations:LabReset",
    "lab.status": "r3cli.lab.operations:LabStatus",
    "lab.up": "r3cli.lab.operations:LabStatus",
    "schema": ".schema:Schemas",
    "status": "r3cli.monitor.seen:StatusShown",
    "train.aggregate": "r3cli.train.rounds.merging:AggregateShown",
    "train.receipt": "r3cli.train.rounds.desk:ReceiptWritten",
    "train.run": "r3cli.train.rounds.run:TrainRun",
    "train.verify": "r3cli.train.rounds.desk:RoundVerdict | r3cli.train.rounds.desk:ReceiptVerdict",
    "tx.list": "r3cli.chain.transactions:TxList",
    "tx.settle": "r3cli.chain.transactions:SettlementList",
    "tx.show": "r3cli.chain.transactions:TxDetail",
    "wallet.balance": "r3cli.accounts.transfer:BalanceList",
    "wallet.create": "r3cli.accounts.creation:NewWallet",
    "wallet.import": "r3cli.accounts.creation:NewWallet",
    "wallet.list": "r3cli.accounts.listing:WalletList",
    "wallet.send": "r3cli.accounts.transfer:Transfer",
    "wallet.show": "r3cli.accounts.listing:WalletInfo",
    "wallet.sign": "r3cli.accounts.messages:SignedMessage",
    "wallet.verify": "r3cli.accounts.messages:Verdict",
}

# Commands that print records one by one: the records' `type`, and what they are.
STREAMS: Mapping[str, tuple[str, str]] = {
    "logs": ("event", "r3cli.monitor.logs:LogLine"),
    "status": ("snapshot", "r3cli.monitor.seen:StatusShown"),
}


def schema_name(command: str) -> str:
    """The name in the envelope's `schema`; what failed before it was a known command is an `error`."""
    known = command if command in DATA or command in STREAMS else "error"
    return f"r3.{known}/{VERSION}"
