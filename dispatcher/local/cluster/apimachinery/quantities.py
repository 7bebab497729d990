"""Amounts of processors, memory and things, as Kubernetes writes them. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import Decimal

_FORM = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def parse(quantity: str | int | float) -> Decimal:
    """`100m`, `1.5`, `2Gi`, `1e3`; raises `ValueError`."""
    found = _FORM.fullmatch(str(quantity))
    if found is None:
        raise ValueError(f"no quantity: {quantity!r}")
    number, exponent, suffix = found.groups()
    if exponent:
        return Decimal(number).scaleb(int(exponent))
    if suffix in _BINARY:
        return Decimal(number) * (1 << _BINARY[suffix])
    return Decimal(number).scaleb(_DECIMAL.get(suffix or "", 0))
