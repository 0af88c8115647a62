"""Settings from the environment: `R3_TRAIN__BATCH_SIZE` is `train.batch_size`; the seed project's names are translated.

A key or passphrase in the environment is refused: children inherit it and `ps e` shows it to the same user.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from r3cli.errors import SecretInEnvironment
from r3cli.settings.keys import Source, all_keys, convert_value, unknown_key

# Names under R3_ that are read elsewhere and are no settings.
RESERVED = frozenset({"R3_NO_INPUT", "R3_STATE", "R3_DEBUG", "R3_OUTPUT", "R3_TEST_CACHE"})

# The seed project's names that mean what a key of ours means.
SEED_NAMES = {
    "IPFS_API_URL": "storage.url",
    "R3MES_BATCH_SIZE": "train.batch_size",
    "R3MES_CHAIN_ID": "chain.chain_id",
    "R3MES_LEARNING_RATE": "train.optimizer.learning_rate",
    "R3MES_LOCAL_BATCH_SIZE": "train.batch_size",
    "R3MES_LORA_ALPHA": "train.lora.alpha",
    "R3MES_LORA_RANK": "train.lora.rank",
    "R3MES_MAX_SEQUENCE_LENGTH": "train.sequence_length",
    "R3MES_TRANSACTION_TIMEOUT": "chain.confirm_seconds",
}
# Its names for something that r3 does another way.
SEED_CURES = {
    "R3MES_BLOCKCHAIN_URL": "it is a gRPC address; name the node's REST interface in R3_CHAIN__ENDPOINTS",
    "R3MES_ENV": "use --profile",
    "R3MES_NODE_GRPC_URL": "it is a gRPC address; name the node's REST interface in R3_CHAIN__ENDPOINTS",
}
_SECRET = re.compile(r"^R3(MES)?_(.*_)?(PRIVATE_?KEY|KEY|PASSPHRASE|PASSWORD|MNEMONIC|SECRET|SEED_PHRASE)$")


def read_environment(environ: Mapping[str, str]) -> dict[str, Source]:
    """The settings under `R3_`; raises `BadSetting` for a name that is none of ours."""
    refuse_secrets(environ)
    found: dict[str, Source] = {}
    for name in sorted(environ):
        if not name.startswith("R3_") or name in RESERVED or not environ[name]:
            continue
        key = name.removeprefix("R3_").lower().replace("__", ".")
        if key not in all_keys():
            raise unknown_key(key, name, spell=variable)
        found[key] = Source(read_text(key, environ[name], name), name)
    return found


def read_seed_names(environ: Mapping[str, str]) -> tuple[dict[str, Source], list[str]]:
    """The settings under the seed project's names, and a note for each about the name to use instead."""
    found: dict[str, Source] = {}
    notes: list[str] = []
    for name in sorted(environ):
        if not environ[name]:
            continue
        if key := SEED_NAMES.get(name):
            found[key] = Source(read_text(key, environ[name], name), name)
            notes.append(f"{name} sets {key}; its name in r3 is {variable(key)}")
        elif cure := SEED_CURES.get(name):
            notes.append(f"{name} has no effect on r3: {cure}")
    return found, notes


def refuse_secrets(environ: Mapping[str, str]) -> None:
    """Raise `SecretInEnvironment` when a key or passphrase stands in the environment under a name of ours."""
    for name in sorted(environ):
        if environ[name] and _SECRET.match(name):
            raise SecretInEnvironment(
                f"{name} holds a secret, and every child process inherits it",
                hint=f"unset {name}; keep keys with `r3 wallet import` and give --passphrase-file FILE",
                target=name,
            )


def variable(key: str) -> str:
    """The environment variable of a key."""
    return "R3_" + key.upper().replace(".", "__")


def read_text(key: str, text: str, place: str) -> object:
    """A value from one text; a list is separated by commas, `null` is no value where a key allows that."""
    kind = str(all_keys()[key])
    if "tuple[" in kind:
        return convert_value(key, [part.strip() for part in text.split(",") if part.strip()], place)
    return convert_value(key, None if text == "null" and "None" in kind else text, place)
