from __future__ import annotations

from decimal import Decimal

import pytest

from dispatcher.local.cluster.apimachinery.quantities import parse


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"), ("1.5", "1.5"), ("100m", "0.1"), (".5", "0.5"), ("2k", "2000"), ("1Ki", "1024"),
        ("1.5Gi", "1610612736"), ("1e3", "1000"), ("12E", "12000000000000000000"), ("-1", "-1"),
    ],
)  # fmt: skip
def test_amounts_are_read(text: str, amount: str) -> None:
    assert parse(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1gi", "1.2.3", "Ki"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        parse(text)
