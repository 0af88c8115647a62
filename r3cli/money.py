"""Amounts of money: integer base units, never a float."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from r3cli.errors import Usage


class Amount(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An amount in base units of `denom`, with the decimal form that people read.

    `base` is the integer number of base units (micro for six exponents), `decimal` the same as a decimal
    string of the display unit. Both stand in JSON, so that no reader has to guess.
    """

    base: int
    denom: str
    decimal: str
    unit: str


def amount(base: int, denom: str, exponent: int = 6) -> Amount:
    """An `Amount` from base units; `uremes` with exponent 6 shows as `remes`."""
    unit = denom[1:] if exponent == 6 and denom.startswith("u") else denom
    places = exponent if unit != denom else 0
    text = f"{Decimal(base).scaleb(-places):f}"
    return Amount(base=base, denom=denom, decimal=text, unit=unit)


def parse_amount(text: str, denom: str, exponent: int = 6) -> Amount:
    """Read `12uremes` (base units) or `1.5remes` / `1.5` (display units); raises `Usage` on anything else."""
    unit = denom[1:] if exponent == 6 and denom.startswith("u") else denom
    number = text.strip()
    scale = exponent if unit != denom else 0
    if number.endswith(denom):
        number, scale = number[: -len(denom)], 0
    elif number.endswith(unit):
        number = number[: -len(unit)]
    number = number.strip()
    digits = number.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 60:
        raise Usage(f"{text!r} is not an amount", hint=f"write base units like 1500000{denom} or units like 1.5{unit}")
    base = Decimal(number).scaleb(scale)
    if base != base.to_integral_value():
        raise Usage(f"{text!r} is finer than one {denom}")
    return amount(int(base), denom, exponent)
