"""Which role a user has whom a trusted proxy names: `*@example.com=read, ann@example.com=admin`."""

from __future__ import annotations

from typing import TypeAlias

from dispatcher.config.mistakes import show
from dispatcher.domain.access import Role

UserRoles: TypeAlias = tuple[tuple[str, Role], ...]
"""Globs of users, each with the role of those whom it matches."""


def user_roles(text: str) -> UserRoles:
    """Raises ValueError with a remedy."""
    return tuple(_entry(each) for each in text.replace(",", "\n").split())


def _entry(text: str) -> tuple[str, Role]:
    glob, _, role = text.rpartition("=")
    if not glob or role not in list(Role):
        roles = ", ".join(Role)
        raise ValueError(
            f"{show(text)} is not USER=ROLE; write it like *@example.com=read: {roles}"
        )
    return glob, Role(role)
