"""`git-dispatcher wait`: for scripts that go on when a commit is deployed."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.commands import completion
from dispatcher.commands.client import Client
from dispatcher.commands.coverage import bearer, newest
from dispatcher.commands.exits import Exit, Failed
from dispatcher.commands.follow import Standing, follow_deploy, follow_to_end, standing_of
from dispatcher.commands.formatting import plain, short
from dispatcher.commands.options import Api, full_commit, spread
from dispatcher.domain.commit_history import CommitState
from dispatcher.domain.errors import UsageError
from dispatcher.domain.refs import short_ref
from dispatcher.http.api.schemas.commits import CommitTarget
from dispatcher.http.api.schemas.deploys import DeployInfo

NOT_WANTED = (CommitState.FILTERED, CommitState.REJECTED)
LOOKED_AT = 100
"""Newest deploys among which the commit's is looked for."""


@spread
def wait(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET[/NUMBER]",
            help="Like shop, or shop/42.",
            autocompletion=completion.targets_and_deploys,
        ),
    ],
    api: Api,
    commit: Annotated[
        str, typer.Option(metavar="SHA", help="Until this commit or a newer one is deployed.")
    ] = "",
    ref: Annotated[str, typer.Option(help="Of this branch or tag, if several have it.")] = "",
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long it waits at the most.")
    ] = 3600,
) -> None:
    """Waits until a commit or a deploy is deployed."""
    if "/" in target and (commit or ref):
        raise UsageError("a deploy has its commit and its ref: leave out --commit and --ref")
    with api.client() as client:
        if "/" in target:
            code = follow_deploy(client, target, timeout, api)
        else:
            wanted = Wanted(client, target, full_commit(commit) if commit else "", ref)
            code = follow_to_end(client, wanted.look, timeout, api)
    raise typer.Exit(code)


class Wanted:
    """A commit, or with "" the newest deploy, of a target."""

    def __init__(self, client: Client, target: str, commit: str, ref: str) -> None:
        self._client, self._target = client, target
        self._commit, self._ref = commit, ref
        self._had: dict[tuple[str, int], bool] = {}
        self._repository = ""
        self._refs: dict[str, set[str]] = {}

    def look(self) -> Standing:
        deploys = self._client.deploys(self._target, LOOKED_AT).deploys
        if self._commit:
            found = bearer(deploys, self._commit, self._ref, self._has_had)
        else:
            found = newest(deploys, self._ref)
        if found:
            return standing_of(found)
        return self._without_deploy() if self._commit else Standing(self._missing())

    def _without_deploy(self) -> Standing:
        """What is known of a commit that no deploy has: it may still come, or not be wanted."""
        history = self._history()
        if history is None or history.became not in NOT_WANTED:
            return Standing(self._missing())
        line = f"{short(self._commit)} {history.became} for {self._target}: {history.explanation}"
        is_final = self._ref and history.delivery and self._is_of_ref(history.delivery)
        return Standing(plain(line), Exit.NOT_WANTED if is_final else None, history)

    def _history(self) -> CommitTarget | None:
        if not self._repository:
            self._repository = self._client.target(self._target).repository
        page = self._client.commit(self._repository, self._commit)
        while page.next and all(each.target != self._target for each in page.targets):
            page = self._client.commit(self._repository, self._commit, page.next)
        return next((each for each in page.targets if each.target == self._target), None)

    def _is_of_ref(self, delivery: str) -> bool:
        """Whether it was turned away on that ref: on another one it says nothing about this."""
        if delivery not in self._refs:
            self._refs[delivery] = self._refs_in(delivery)
        return any(self._ref in (ref, short_ref(ref)) for ref in self._refs[delivery])

    def _refs_in(self, delivery: str) -> set[str]:
        try:
            results = self._client.delivery(delivery).results
        except Failed as error:
            if error.status != 403:  # not for a token that is limited to some targets
                raise
            return set()
        return {r.ref for r in results if (r.target, r.commit) == (self._target, self._commit)}

    def _has_had(self, deploy: DeployInfo) -> bool:
        """Whether the commit is in its timeline: asked once for as many pushes as were merged into it."""
        key = deploy.deploy, deploy.merged
        if key not in self._had:
            timeline = self._client.deploy(deploy.target, deploy.number).timeline
            self._had[key] = any(each.commit == self._commit for each in timeline)
        return self._had[key]

    def _missing(self) -> str:
        of = f" of {plain(self._ref)}" if self._ref else ""
        if not self._commit:
            return f"no deploy of {self._target}{of} yet"
        return f"no delivery with {short(self._commit)}{of} has come for {self._target} yet"
