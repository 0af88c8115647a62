"""The lab has no passwords, so it listens where only this machine can reach it."""

from __future__ import annotations

import ipaddress

from r3cli.errors import PublicBind


def check_loopback(host: str) -> None:
    """Raise `PublicBind` unless this is a loopback address: the lab has no passwords."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise PublicBind(f"the lab may not listen on {host}: anyone could command it", hint="use 127.0.0.1")
