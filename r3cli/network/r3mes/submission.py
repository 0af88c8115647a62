"""What the seed's clients put into a gradient submission beside the transaction's own signature.

The published chain checks neither; they are written so that a chain that does finds them right
(networks/r3mes.md 1.6).
"""

from __future__ import annotations

import hashlib
from itertools import count

from cryptography.hazmat.primitives.asymmetric import utils  # noqa: TID253 - DER is its business

from r3cli.errors import R3Error
from r3cli.network.r3mes.messages import MsgSubmitGradient
from r3cli.wallet.signer import Signer

POW_DIFFICULTY = 4  # bits; what the seed's submission passes, whatever its settings say
MAX_POW_DIFFICULTY = 32


def message_string(message: MsgSubmitGradient, chain_id: str) -> str:
    """The text that in-message signature and proof of work stand on."""
    parts = (
        chain_id,
        message.miner,
        message.ipfs_hash,
        message.model_version,
        message.training_round_id,
        message.shard_id,
        message.gradient_hash,
        message.gpu_architecture,
        message.nonce,
    )
    return "|".join(str(part) for part in parts)


def message_hash(message: MsgSubmitGradient, chain_id: str) -> bytes:
    """SHA-256 of that text, 32 bytes."""
    return hashlib.sha256(message_string(message, chain_id).encode()).digest()


def sign_submission(message: MsgSubmitGradient, chain_id: str, signer: Signer) -> bytes:
    """The DER signature for `MsgSubmitGradient.signature`: low S, over SHA-256 of the message hash."""
    signature = signer.sign(message_hash(message, chain_id), purpose="the signature inside a gradient submission")
    return utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def find_pow_nonce(message: MsgSubmitGradient, chain_id: str, *, difficulty: int = POW_DIFFICULTY) -> int:
    """The smallest nonce whose digest begins with `difficulty` zero bits; the search takes 2^difficulty tries."""
    if not 0 <= difficulty <= MAX_POW_DIFFICULTY:
        raise R3Error(f"a proof of work of {difficulty} bits is not in use", hint="0 to 32 bits are")
    digest = message_hash(message, chain_id)
    return next(nonce for nonce in count() if check_pow(digest, nonce, difficulty))


def check_pow(digest: bytes, nonce: int, difficulty: int) -> bool:
    """Whether SHA-256(digest || nonce as u64 BE) begins with `difficulty` zero bits."""
    found = hashlib.sha256(digest + nonce.to_bytes(8, "big")).digest()
    return int.from_bytes(found, "big") >> (256 - difficulty) == 0
