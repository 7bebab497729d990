"""`git-dispatcher token create`, `list` and `revoke`, and `git-dispatcher audit`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from dispatcher.commands.options import Api, Asker, now, spread
from dispatcher.commands.tables.access import audit as audit_table
from dispatcher.commands.tables.access import tokens as token_table
from dispatcher.domain.access import Role
from dispatcher.domain.errors import UsageError

UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}
TokenName = Annotated[
    str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and dashes.")
]

token = typer.Typer(help="Creates, lists and revokes API tokens.", no_args_is_help=True)


@token.command("create")
@spread
def create(
    asker: Asker,
    api: Api,
    name: TokenName,
    role: Annotated[Role, typer.Option("--role", help="What its holder may do.")] = Role.READ,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="Glob of targets that it is limited to; can be repeated."),
    ] = None,
    expires: Annotated[str, typer.Option("--expires", help="Like 12h, 90d, 4w; else never.")] = "",
) -> None:
    """Creates a token and prints it, this once."""
    with api.client() as client:
        made = client.create_token(
            name,
            role=role,
            targets=target or [],
            expires_in=_seconds(expires),
            reason=asker.reason,
            by=asker.name,
        )
    if api.as_data:
        api.write(made)
        return
    print(made.token)
    covers = ", ".join(made.targets) or "all targets"
    until = f"until {made.expires_at[:10]}" if made.expires_at else "until it is revoked"
    typer.echo(f"Token {made.name}: {made.role}, {covers}, {until}. Store it now.", err=True)


@token.command("list")
@spread
def list_tokens(api: Api) -> None:
    """Lists the tokens that `token create` has created."""
    with api.client() as client:
        found = client.tokens()
    if api.as_data:
        api.write(found)
    else:
        api.console().print(token_table(found, now()))


@token.command("revoke")
@spread
def revoke(asker: Asker, api: Api, name: TokenName) -> None:
    """Revokes a token: from now on it is not accepted."""
    with api.client() as client:
        revoked = client.revoke_token(name, reason=asker.reason, by=asker.name)
    if api.as_data:
        api.write(revoked)
    else:
        print(f"token {revoked.name} is revoked")


@spread
def audit(
    api: Api,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 50,
) -> None:
    """Lists orders: who, when, what, why, and what came of them."""
    with api.client() as client:
        found = client.audit(limit)
    if api.as_data:
        api.write(found)
    else:
        api.console().print(audit_table(found, now()))


def _seconds(text: str) -> int:
    """Of `90d`; 0 for "". Raises UsageError."""
    if not text:
        return 0
    match = re.fullmatch(r"([1-9]\d{0,3})([hdw])", text, re.ASCII)
    if not match:
        raise UsageError(f"--expires {text!r} is not a duration: write it like 12h, 90d or 4w")
    return int(match[1]) * UNITS[match[2]]
