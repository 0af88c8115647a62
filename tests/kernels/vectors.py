"""Reads `tests/vectors/payload.json`; run as a module it prints what that file should hold."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - arrays are what is tested

from r3cli.kernels.codec import compress, decode_update
from r3cli.storage.cid import cid_of

FILE = Path(__file__).parents[1] / "vectors/payload.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())["updates"] if FILE.exists() else []


def vector_tensors(vector: dict[str, Any]) -> dict[str, np.ndarray]:
    """The tensors of a vector: literal binary32 in hexadecimal, or SHAKE-128 as int16 in units of 2^-20."""
    tensors = {}
    for name, tensor in vector["tensors"].items():
        shape = tuple(tensor["shape"])
        if "float32" in tensor:
            flat = np.frombuffer(bytes.fromhex(tensor["float32"]), "<f4")
        else:
            content = hashlib.shake_128(tensor["shake_128"].encode()).digest(2 * math.prod(shape))
            flat = np.frombuffer(content, "<i2").astype(np.float32) * np.float32(2.0**-20)
        tensors[name] = flat.reshape(shape)
    return tensors


def _inputs() -> list[dict[str, Any]]:
    edges = np.array(
        [0.0, -0.0, 1.0, -1.0, 1e-45, -1.1e-38, 2.0**-36, 2.0**-37, 3.4e38, 2.0**20, 0.75, -0.75, 0.75, 0.5], "<f4"
    )
    tiny = np.array([2.0**-38, -(2.0**-37), 2.0**-36, 3 * 2.0**-37, 0.0], "<f4")
    return [
        {"name": "empty", "density": "1/8", "tensors": {}},
        {"name": "zeros", "density": "1/8", "tensors": {"w": {"shape": [5], "float32": bytes(20).hex()}}},
        {"name": "edges", "density": "1/2", "tensors": {"w": {"shape": [2, 7], "float32": edges.tobytes().hex()}}},
        {"name": "near the grid", "density": "1/1", "tensors": {"w": {"shape": [5], "float32": tiny.tobytes().hex()}}},
        {
            "name": "two tensors, three chunks",
            "density": "1/8",
            "tensors": {
                "b": {"shape": [30, 100], "shake_128": "r3/payload-vector/b"},
                "a": {"shape": [6000], "shake_128": "r3/payload-vector/a"},
            },
        },
        {
            "name": "sparse",
            "density": "1/64",
            "tensors": {"w": {"shape": [64, 80], "shake_128": "r3/payload-vector/w"}},
        },
    ]


def _answers(vector: dict[str, Any]) -> dict[str, Any]:
    tensors = vector_tensors(vector)
    content, after = compress(tensors, None, Fraction(vector["density"]))
    update = decode_update(content, {name: tensor.shape for name, tensor in tensors.items()})
    sent = np.flatnonzero(update.mask)
    return {
        **vector,
        "update": content.hex(),
        "update_cid": cid_of(content),
        "residual_after_cid": cid_of(after),
        "first_positions": sent[:8].tolist(),
        "first_values": update.grid[sent[:8]].tolist(),
    }


if __name__ == "__main__":
    about = "shake_128: SHAKE-128 of the text as little-endian int16, in units of 2^-20; no residual before"
    sys.stdout.write(json.dumps({"about": about, "updates": [_answers(item) for item in _inputs()]}, indent=1) + "\n")
