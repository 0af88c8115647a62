"""How an account is called on its chain."""

from __future__ import annotations

from r3cli.chain.cosmos.address import encode_address, require_address
from r3cli.errors import Usage
from r3cli.wallet.keystore import Account


def address_of(account: Account, prefix: str) -> str | None:
    """The account's address on the chain with this prefix; None for a family that this r3 does not know."""
    if account.address is not None:
        return account.address
    if account.family != "cosmos" or account.public_key is None:
        return None
    return encode_address(bytes.fromhex(account.public_key), prefix)


def own_address(account: Account, prefix: str) -> str:
    """The address to use on this very chain; raises `Usage` when the account belongs to another one."""
    address = address_of(account, prefix)
    if address is None:
        raise Usage(f"account {account.name} is of the {account.family} family, which this network is not")
    return require_address(address, prefix)
