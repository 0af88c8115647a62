"""The part of Kubo's RPC that content clients use, over the local block store. Answers are Kubo 0.39's."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool  # noqa: TID253 - the lab's servers exist to use it
from starlette.requests import Request  # noqa: TID253 - as above
from starlette.responses import PlainTextResponse, Response, StreamingResponse  # noqa: TID253 - as above
from starlette.routing import Route  # noqa: TID253 - as above

from r3cli.errors import ContentMissing, Malformed, R3Error, TooLarge
from r3cli.lab.multipart import Part, read_parts
from r3cli.lab.web import answer
from r3cli.storage.blocks import BlockStore
from r3cli.storage.cid import parse_cid
from r3cli.storage.dag import file_blocks

PREFIX = "/api/v0"
MAX_FILE = 4 << 30  # bytes

_CHUNKER = "size-262144"
_OFFLINE = "block was not found locally (offline): ipld: could not find"

Handler = Callable[[Request], Awaitable[Response]]


class KuboRpc:
    """The routes over one folder of blocks."""

    def __init__(self, blocks: Path) -> None:
        self._store = BlockStore(blocks, max_bytes=MAX_FILE)

    def routes(self) -> list[Route]:
        table: dict[str, Handler] = {
            "add": self.add,
            "cat": self.cat,
            "block/get": self._on_path(self.block),
            "block/stat": self._on_path(self.block_size),
            "pin/add": self._on_path(self.pin),
            "pin/ls": self.list_pins,
            "pin/rm": self._on_path(self.unpin),
            "repo/stat": self.repository,
            "version": self.version,
            "id": self.identity,
        }
        return [
            Route(f"{PREFIX}/{name}", _only_post(handler), methods=["GET", "POST"]) for name, handler in table.items()
        ]

    async def add(self, request: Request) -> Response:
        """Keep the files of the body, a JSON line for each."""
        query = request.query_params
        version = 0 if query.get("cid-version", "0") == "0" else 1
        if query.get("chunker", _CHUNKER) != _CHUNKER or query.get("raw-leaves", str(version == 1)).lower() != (
            "true" if version == 1 else "false"
        ):
            return _fail(f"the lab has {_CHUNKER} only, with raw leaves in version 1 and without in version 0")
        lines = []
        try:
            parts = read_parts(request.headers.get("content-type", ""), request.stream(), limit=MAX_FILE)
            async for part in parts:
                pinned = query.get("pin", "true") != "false"
                lines.append(await run_in_threadpool(self._keep, part, version, pinned=pinned))
        except (Malformed, TooLarge) as error:
            if not lines and "multipart" in error.message:
                return PlainTextResponse("file argument 'path' is required", status_code=400)
            return _fail(error.message)
        return Response(b"".join(lines), media_type="application/json", headers={"X-Chunked-Output": "1"})

    async def cat(self, request: Request) -> Response:
        """The bytes of a file, checked while they go out."""
        path = request.query_params.get("arg", "")
        if not path:
            return _missing_argument()
        offset, length = (_number(request, name, default) for name, default in (("offset", 0), ("length", MAX_FILE)))
        pieces = _window(self._store.open(_cid_in(path), limit=MAX_FILE), offset, length)
        # The first piece is read before the answer begins, so that missing content is an error and not a short file.
        first = await run_in_threadpool(next, pieces, b"")
        headers = {"X-Stream-Output": "1"}
        return StreamingResponse(chain([first], pieces), media_type="text/plain", headers=headers)

    def block(self, cid: str) -> Response:
        return Response(self._store.block(cid), media_type="application/octet-stream")

    def block_size(self, cid: str) -> Response:
        return answer({"Key": cid, "Size": len(self._store.block(cid))})

    def pin(self, cid: str) -> Response:
        try:
            self._store.pin(cid)
        except ContentMissing as error:
            return _fail(f"pin: {_OFFLINE} {error.target}")
        return answer({"Pins": [cid]})

    def unpin(self, cid: str) -> Response:
        if cid not in self._store.pins():
            return _fail("not pinned or pinned indirectly")
        self._store.unpin(cid)
        return answer({"Pins": [cid]})

    async def list_pins(self, request: Request) -> Response:
        wanted = request.query_params.get("arg", "")
        pins = await run_in_threadpool(self._store.pins)
        if wanted and _cid_in(wanted) not in pins:
            return _fail(f"path '{wanted}' is not pinned")
        shown = [_cid_in(wanted)] if wanted else pins
        return answer({"Keys": {cid: {"Type": "recursive", "Name": ""} for cid in shown}})

    async def repository(self, _: Request) -> Response:
        stat = await run_in_threadpool(self._store.stat)
        return answer(
            {
                "RepoSize": stat.bytes,
                "StorageMax": stat.capacity or 0,
                "NumObjects": stat.blocks,
                "RepoPath": stat.place,
                "Version": "fs-repo@18",
            }
        )

    async def version(self, _: Request) -> Response:
        system = f"{platform.machine()}/{platform.system().lower()}"
        return answer({"Version": "0.39.0", "Commit": "r3-lab", "Repo": "18", "System": system, "Golang": ""})

    async def identity(self, _: Request) -> Response:
        return answer({"ID": "", "PublicKey": "", "Addresses": None, "AgentVersion": "r3-lab", "Protocols": None})

    def _keep(self, part: Part, version: int, *, pinned: bool) -> bytes:
        with part.content:
            cid = self._store.put(part.content, version=version)
        if not pinned:
            self._store.unpin(cid)
        size = sum(len(self._store.block(str(block))) for block in self._blocks(cid))
        return msgspec.json.encode({"Name": part.filename or cid, "Hash": cid, "Size": str(size)}) + b"\n"

    def _blocks(self, cid: str) -> Iterator[Any]:
        return file_blocks(parse_cid(cid), lambda block: self._store.block(str(block)), limit=MAX_FILE)

    @staticmethod
    def _on_path(function: Callable[[str], Response]) -> Handler:
        async def handle(request: Request) -> Response:
            path = request.query_params.get("arg", "")
            return await run_in_threadpool(function, _cid_in(path)) if path else _missing_argument()

        return handle


def _only_post(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        if request.method != "POST":
            return PlainTextResponse("405 - Method Not Allowed", status_code=405, headers={"Allow": "OPTIONS, POST"})
        try:
            return await handler(request)
        except ContentMissing as error:
            return _fail(f"{_OFFLINE} {error.target}")
        except R3Error as error:
            return _fail(error.message)

    return handle


def _fail(message: str) -> Response:
    return answer({"Message": message, "Code": 0, "Type": "error"}, status=500)


def _missing_argument() -> Response:
    return PlainTextResponse('argument "ipfs-path" is required', status_code=400)


def _cid_in(path: str) -> str:
    """The CID of `CID` or `/ipfs/CID`; raises `Malformed` in Kubo's words."""
    text = path.removeprefix("/ipfs/")
    try:
        parse_cid(text)
    except Malformed as error:
        raise Malformed(f'invalid path "{path[:200]}": {error.message}') from error
    return text


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Malformed(f"{name} is not a number")
    return int(text)


def _window(pieces: Iterator[bytes], offset: int, length: int) -> Iterator[bytes]:
    """`length` bytes from `offset` on."""
    for piece in pieces:
        kept = piece[offset : offset + length]
        offset = max(0, offset - len(piece))
        length -= len(kept)
        if kept:
            yield kept
        if length <= 0:
            return
