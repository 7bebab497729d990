"""`git-dispatcher explain`: what a saved delivery would deploy, judged by the configuration alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.formatting import count, plain
from dispatcher.commands.output import OfflineOutput, console, write_json
from dispatcher.commands.saved_requests import Saved, read_saved
from dispatcher.commands.tables.explanations import explanations
from dispatcher.config import Configuration, Hook, configuration_path, read_without_secrets
from dispatcher.domain.delivery import Delivery
from dispatcher.domain.errors import UsageError
from dispatcher.domain.suggestions import did_you_mean
from dispatcher.matching import evaluation
from dispatcher.matching.evaluation import Explanation, HookScope
from dispatcher.matching.matcher import Matcher
from dispatcher.webhooks.receiving import parse_delivery
from dispatcher.webhooks.results import Ignored, Received, Rejected, too_large
from dispatcher.webhooks.stored_headers import stored_headers

HEADER_BYTES = 64 * 1024
"""Bytes of headers read in front of the largest body; web accepts no more either."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, and which targets of its repository would deploy it."""

    hook: str
    provider: str
    event: str
    delivery: str
    authentication: str = "not checked"
    reason: str = ""
    """Why web would ignore it; "" if it would not."""
    explanations: tuple[Explanation, ...] = ()


def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The saved delivery; - is stdin.")],
    header: Annotated[
        list[str] | None, typer.Option(metavar="'NAME: VALUE'", help="A header; repeatable.")
    ] = None,
    hook: Annotated[str | None, typer.Option(help="The hook that it was sent to.")] = None,
    provider: Annotated[
        str | None, typer.Option(help="Or the kind of Git host that sent it.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="File or directory; else DISPATCHER_CONFIG.")
    ] = None,
    output: Annotated[
        OfflineOutput, typer.Option("--output", "-o", help="A table, or JSON.")
    ] = OfflineOutput.TABLE,
) -> None:
    """Shows which targets a saved delivery would deploy, and why."""
    configuration = read_without_secrets(config or configuration_path(os.environ))
    most = max((each.max_body for each in configuration.hooks.values()), default=0)
    saved = read_saved(_content(file, most + HEADER_BYTES), header or ())
    name = hook or ("" if provider else saved.hook)
    explained = _explained(configuration, _hooks(configuration.hooks, name, provider), saved)
    if output is OfflineOutput.JSON:
        write_json(explained)
    else:
        _print(explained)


def _content(file: str, most: int) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(most + 1)
        with Path(file).open("rb") as opened:
            return opened.read(most + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or "no file can have that name"
        raise UsageError(f"{file} cannot be read ({why})") from None


def _hooks(hooks: Mapping[str, Hook], name: str, provider: str | None) -> list[Hook]:
    """The hooks that it may have been sent to, all of one provider. Raises UsageError."""
    known = ", ".join(hooks) or "none"
    found = [each for each in hooks.values() if name in ("", each.name)]
    if not found:
        raise UsageError(f"there is no hook {name!r}: {did_you_mean(name, hooks)}")
    found = [each for each in found if provider in (None, each.provider)]
    if not found:
        raise UsageError(_no_provider(provider or "", hooks))
    if len({each.provider for each in found}) > 1 or (len(found) > 1 and not provider):
        raise UsageError(f"say with --hook which of these it was sent to: {known}")
    return found


def _no_provider(provider: str, hooks: Mapping[str, Hook]) -> str:
    used = {hook.provider for hook in hooks.values()}
    if provider not in used:
        return f"no hook has the provider {provider!r}: {did_you_mean(provider, used)}"
    named = ", ".join(name for name, hook in hooks.items() if hook.provider == provider)
    return f"that hook's provider is not {provider!r}; hooks that have it: {named}"


def _explained(configuration: Configuration, hooks: Sequence[Hook], saved: Saved) -> Explained:
    answer = _answer(hooks[0], saved)
    if isinstance(answer, Ignored):
        return _of(hooks[0], answer)
    scope = _scope(hooks, answer.pushes[0].addresses)
    matcher = Matcher(configuration.targets.values())
    explanations = evaluation.explain(answer.pushes, scope, matcher)
    return _of(configuration.hooks[scope.name], answer, explanations)


def _answer(hook: Hook, saved: Saved) -> Received | Ignored:
    answer = parse_delivery(_delivery(hook, saved))
    if len(saved.body) > hook.max_body:
        answer = too_large(hook.max_body)
    if isinstance(answer, Rejected):
        hint = "; say it with --header" if answer.code == "missing_header" else ""
        message = f"web would answer this delivery with {answer.status}: {answer.message}{hint}"
        raise Failed(Exit.USAGE, message)
    return answer


def _delivery(hook: Hook, saved: Saved) -> Delivery:
    """The delivery as web would store it."""
    headers = stored_headers(hook.provider, saved.headers)
    return Delivery(id="", hook=hook.name, provider=hook.provider, headers=headers, body=saved.body)


def _of(
    hook: Hook, answer: Received | Ignored, explanations: tuple[Explanation, ...] = ()
) -> Explained:
    return Explained(
        hook=hook.name,
        provider=hook.provider,
        event=answer.event,
        delivery=answer.delivery_id,
        reason=answer.reason if isinstance(answer, Ignored) else "",
        explanations=explanations,
    )


def _scope(hooks: Sequence[Hook], addresses: Sequence[str]) -> HookScope:
    """The first hook that allows one of the addresses, tried in their order; else the first hook."""
    scopes = [HookScope(hook.name, hook.spoken_for) for hook in hooks]
    fit = (each for address in addresses for each in scopes if each.allows(address))
    return next(fit, scopes[0])


def _print(explained: Explained) -> None:
    out = console()
    name = " ".join(filter(None, (explained.event, explained.delivery)))
    out.print(
        f"{plain(name)}, to hook {explained.hook}; its signature or token is not checked here"
    )
    if explained.reason:
        out.print(f"ignored: {explained.reason}")
        return
    out.print(explanations(explained.explanations))
    targets = {each.target for each in explained.explanations if each.target}
    wanted = {each.target for each in explained.explanations if each.wanted}
    out.print(f"{len(wanted)} of {count(len(targets), 'target')} would deploy it")
