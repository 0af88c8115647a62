"""BIP39: entropy as English words with a checksum, and the seed that wallets derive keys from."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from functools import cache
from pathlib import Path

from r3cli.errors import Malformed, Usage
from r3cli.secret import Secret

WORD_COUNTS = (12, 15, 18, 21, 24)

_LIST = Path(__file__).with_name("assets") / "bip39_english.txt"
_LIST_SHA256 = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
_BITS_PER_WORD = 11
_SEED_ROUNDS = 2048


@cache
def word_list() -> tuple[str, ...]:
    """The 2048 words in order; raises `Malformed` when the shipped list is not the standard's."""
    content = _LIST.read_bytes()
    if hashlib.sha256(content).hexdigest() != _LIST_SHA256:
        raise Malformed("the list of mnemonic words in this installation is damaged", hint="install r3 again")
    return tuple(content.decode("ascii").split())


def new_entropy(words: int = 24) -> Secret:
    """Fresh entropy for a mnemonic of so many words: 16 bytes for 12, 32 for 24."""
    _check_count(words)
    return Secret(secrets.token_bytes(words * 4 // 3))


def to_mnemonic(entropy: Secret) -> Secret:
    """The words of 16 to 32 bytes of entropy, separated by single spaces."""
    content = entropy.reveal()
    count = len(content) * 3 // 4
    _check_count(count)
    bits = int.from_bytes(content, "big") << _checksum_bits(count) | _checksum(content, count)
    listed = word_list()
    indexes = [bits >> _BITS_PER_WORD * place & 0x7FF for place in reversed(range(count))]
    return Secret(" ".join(listed[index] for index in indexes))


def to_entropy(mnemonic: Secret) -> Secret:
    """The entropy behind words as a person gave them (any case, any white space).

    Raises `Usage` that says which word is wrong by its place; the words themselves never enter a message.
    """
    words = _normalised(mnemonic).decode().lower().split()
    _check_count(len(words))
    places = {word: index for index, word in enumerate(word_list())}
    bits = 0
    for position, word in enumerate(words, 1):
        if word not in places:
            raise Usage(
                f"word {position} of {len(words)} is not in the English list of BIP39",
                hint="compare it with your copy, letter by letter",
            ) from None
        bits = bits << _BITS_PER_WORD | places[word]
    width = _checksum_bits(len(words))
    entropy = (bits >> width).to_bytes(len(words) * 4 // 3, "big")
    if bits & (1 << width) - 1 != _checksum(entropy, len(words)):
        raise Usage(
            "the words are all valid, but their checksum is not: one is wrong or out of order",
            hint="compare them with your copy, in order",
        )
    return Secret(entropy)


def to_seed(entropy: Secret, passphrase: Secret) -> Secret:
    """The 64-byte BIP39 seed. `passphrase` is the standard's optional extra word, empty for most wallets."""
    words = to_mnemonic(entropy).reveal()
    return Secret(hashlib.pbkdf2_hmac("sha512", words, b"mnemonic" + _normalised(passphrase), _SEED_ROUNDS))


def _normalised(text: Secret) -> bytes:
    try:
        return unicodedata.normalize("NFKD", text.reveal().decode()).encode()
    except UnicodeDecodeError:
        raise Usage("a mnemonic and its passphrase must be UTF-8 text") from None


def _check_count(words: int) -> None:
    if words not in WORD_COUNTS:
        raise Usage(f"a mnemonic has 12, 15, 18, 21 or 24 words, not {words}")


def _checksum_bits(words: int) -> int:
    return words // 3


def _checksum(entropy: bytes, words: int) -> int:
    return hashlib.sha256(entropy).digest()[0] >> 8 - _checksum_bits(words)
