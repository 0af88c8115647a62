"""Builds the counterparts once into a cache: the key is a hash of what they are built from.

The cache is `$R3_TEST_CACHE` or `.cache/engines` in the checkout, outside of every folder that tests redirect.
`python -m tests.engines.build` builds them all ahead of a test run.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from r3cli.locks import hold_lock
from tests.engines.missing import ENVIRON, missing, require_program

HERE = Path(__file__).resolve().parent
GO_PACKAGES = {
    "kubo": ("ipfs", "github.com/ipfs/kubo/cmd/ipfs"),
    "cosmos": ("simd", "github.com/cosmos/ibc-go/v8/testing/simapp/simd"),
}
BUILD_SECONDS = 1800


def cache_folder() -> Path:
    """Where built counterparts are kept."""
    given = ENVIRON.get("R3_TEST_CACHE")
    return Path(given).absolute() if given else HERE.parents[1] / ".cache" / "engines"


def build_go(name: str) -> Path:
    """The binary of `kubo` or `cosmos`, built when the cache has none; skips without Go."""
    go = require_program("go", "https://go.dev/doc/install")
    binary, package = GO_PACKAGES[name]
    source = HERE / name
    version = _run(name, [str(go), "env", "GOVERSION"], source).strip()
    folder = cache_folder() / f"{name}-{_digest(version.encode(), source / 'go.mod', source / 'go.sum')}"
    built = folder / binary
    with hold_lock(folder / "lock", f"building {name}", wait_seconds=BUILD_SECONDS):
        if not built.exists():
            part = folder / f"{binary}.part"
            _run(name, [str(go), "build", "-trimpath", "-ldflags", "-s -w", "-o", str(part), package], source)
            part.replace(built)
    return built


def install_cosmjs() -> Path:
    """The folder with cosmjs's `node_modules`, filled by npm when the cache has none; skips without node."""
    npm = require_program("npm", "apt-get install nodejs npm")
    require_program("node", "apt-get install nodejs")
    manifest = HERE / "cosmjs" / "package.json"
    folder = cache_folder() / f"cosmjs-{_digest(manifest)}"
    done = folder / "installed"
    with hold_lock(folder / "lock", "installing cosmjs", wait_seconds=BUILD_SECONDS):
        if not done.exists():
            (folder / "package.json").write_bytes(manifest.read_bytes())
            options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            _run("cosmjs", [str(npm), "install", *options], folder)
            done.touch()
    return folder


def _digest(*parts: bytes | Path) -> str:
    content = b"".join(part.read_bytes() if isinstance(part, Path) else part for part in parts)
    return hashlib.sha256(content).hexdigest()[:16]


def _run(engine: str, command: list[str], folder: Path) -> str:
    """A build step's output; the last line of its complaint becomes the reason of the skip."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=ENVIRON,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        missing(engine, f"{command[0]} did not end in {BUILD_SECONDS} s")
    if done.returncode != 0:
        complaint = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        missing(engine, f"{Path(command[0]).name} {command[1]} failed: {complaint}")
    return done.stdout


def main() -> None:
    """Build everything and say where it is."""
    for name in GO_PACKAGES:
        sys.stderr.write(f"{build_go(name)}\n")
    sys.stderr.write(f"{install_cosmjs()}\n")


if __name__ == "__main__":
    main()
