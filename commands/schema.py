"""`r3 schema`: the JSON Schema of what a command prints with `--json`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from r3cli.errors import NotFound
from r3cli.result import Data, Result

from ._options import single_app
from ._output import emit
from ._schema_documents import known_names, schema_documents
from ._schemas import VERSION
from ._views import Lines

app = single_app()
Command = Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", help="wallet show, or wallet.show")]


class Schemas(Data, frozen=True, kw_only=True):
    """JSON Schemas by the value of `schema` in the documents that they describe."""

    schemas: dict[str, Any]


@app.command(examples=("r3 schema wallet show", "r3 schema train.verify", "r3 schema > schema.json"))
def schema(ctx: typer.Context, command: Command = None) -> None:
    """Show the JSON Schema of a command's output, or of every command's."""
    name = ".".join(command or ()).removeprefix("r3.").removesuffix(f"/{VERSION}")
    if name and name not in known_names():
        raise NotFound(f"no command called {name!r} has a schema", hint="r3 schema -o name lists them")
    emit(ctx, Result(Schemas(schemas=schema_documents([name] if name else known_names()))), _document)


def _document(data: Schemas) -> Lines:
    shown = next(iter(data.schemas.values())) if len(data.schemas) == 1 else data.schemas
    return Lines([json.dumps(shown, indent=2, ensure_ascii=False)], ids=list(data.schemas))
