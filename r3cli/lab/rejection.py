"""How the chain says no: a code in a codespace, with a log. The numbers are the Cosmos SDK's."""

from __future__ import annotations

SDK = "sdk"
REMES = "remes"
UNDEFINED = "undefined"  # what the SDK calls errors that nobody registered

_SDK_CODES = {
    "tx parse error": 2,
    "unauthorized": 4,
    "insufficient funds": 5,
    "unknown request": 6,
    "invalid address": 7,
    "invalid pubkey": 8,
    "unknown address": 9,
    "invalid coins": 10,
    "out of gas": 11,
    "memo too large": 12,
    "insufficient fee": 13,
    "no signatures supplied": 15,
    "invalid request": 18,
    "tx already in mempool": 19,
    "tx too large": 21,
    "tx timeout height": 30,
    "incorrect account sequence": 32,
}


class Rejection(Exception):
    """A transaction that the chain refuses. It is an answer to a client, not a failure of the lab."""

    def __init__(self, code: int, codespace: str, log: str) -> None:
        super().__init__(log)
        self.code = code
        self.codespace = codespace
        self.log = log

    def inside(self, where: str) -> Rejection:
        """The same rejection with the place put before its text."""
        return Rejection(self.code, self.codespace, f"{where}: {self.log}")


def sdk(kind: str, text: str = "") -> Rejection:
    """A rejection of the SDK's own kind; the log is the text followed by the kind, as the SDK wraps errors."""
    return Rejection(_SDK_CODES[kind], SDK, f"{text}: {kind}" if text else kind)


def undefined(text: str) -> Rejection:
    """A rejection without a registered code."""
    return Rejection(1, UNDEFINED, text)


class OutOfGas(Rejection):
    """The gas limit was too small; unlike other failures of a message it is reported without a place."""

    def __init__(self, location: str, wanted: int, used: int) -> None:
        text = f"out of gas in location: {location}; gasWanted: {wanted}, gasUsed: {used}: out of gas"
        super().__init__(_SDK_CODES["out of gas"], SDK, text)
