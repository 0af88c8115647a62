"""The tests' own walls hold."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1"])
def test_nothing_leaves_this_machine(host: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="tried to reach"):
        socket.create_connection((host, 443), timeout=1)


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass


def test_home_is_empty_and_no_setting_leaks_in(home: Path) -> None:
    assert Path.home() == home
    assert not list(home.iterdir())
    assert not [name for name in os.environ if name.startswith(("R3_", "R3MES_"))]


def test_a_socket_fits_into_the_runtime_folder() -> None:
    path = Path(os.environ["XDG_RUNTIME_DIR"]) / "r3" / ("x" * 12) / "cosmos.sock"
    assert len(os.fsencode(path)) < 108
