"""The folder of wallets: one private file each, never overwritten."""

from __future__ import annotations

from pathlib import Path

from r3cli.errors import AlreadyExists, Malformed, NotFound
from r3cli.files import create_private, read_private
from r3cli.wallet.keystore import MAX_BYTES, Keystore, check_name, decode, encode

_SUFFIX = ".json"


class WalletStore:
    """Wallet files in one folder (`Paths.wallets`), named by their wallet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Where a wallet of that name lies or would lie; raises `Usage` for a name that cannot be one."""
        return self._folder / f"{check_name(name)}{_SUFFIX}"

    def names(self) -> list[str]:
        """The names of all wallet files, sorted; files of other kinds are left out."""
        if not self._folder.is_dir():
            return []
        files = (path for path in self._folder.iterdir() if path.suffix == _SUFFIX and not path.name.startswith("."))
        return sorted(path.stem for path in files)

    def load(self, name: str) -> Keystore:
        """Read a wallet; raises `NotFound`, `UnsafePermissions` or `Malformed`."""
        path = self.path(name)
        if not path.exists():
            raise NotFound(f"there is no wallet {name}", hint="r3 wallet list", target=name)
        keystore = decode(read_private(path, limit=MAX_BYTES))
        if keystore.name != name:
            raise Malformed(
                f"{path} holds wallet {keystore.name}, not {name}", hint=f"rename it to {keystore.name}{_SUFFIX}"
            )
        return keystore

    def check_free(self, name: str) -> None:
        """Raise `AlreadyExists` early, before anyone is asked for anything."""
        if self.path(name).exists():
            raise _exists(name)

    def add(self, keystore: Keystore) -> Path:
        """Write a new wallet; of two processes that add one name, one gets `AlreadyExists`."""
        path = self.path(keystore.name)
        try:
            create_private(path, encode(keystore))
        except FileExistsError:
            raise _exists(keystore.name) from None
        return path


def _exists(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"there is a wallet {name} already, and r3 never overwrites one", hint="choose another name", target=name
    )
