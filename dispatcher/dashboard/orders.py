"""Orders of people: each first says what will happen, and is carried out by the API's own code, audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dispatcher.dashboard.rendering import HEADERS, page
from dispatcher.dashboard.visitors import Visitor
from dispatcher.domain.access import Verb
from dispatcher.domain.deploy import Deploy, State
from dispatcher.domain.refs import short_ref
from dispatcher.http.api.audited import Origin
from dispatcher.http.api.deploys import Deploys
from dispatcher.http.api.pauses import Pausing
from dispatcher.http.api.redeploys import IDEMPOTENCY_KEY, LONGEST_KEY, RedeployOrder, Redeploys
from dispatcher.http.api.replays import Replays
from dispatcher.http.api.requests import Order, RequestParser, line, unknown_deploy
from dispatcher.ledger import Reader, Redeploy, Store

LONGEST_REASON = 500
MOST_UNDONE = 20


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What a page says before an order is given."""

    title: str
    says: tuple[str, ...]
    button: str
    back: str
    danger: bool = False
    undoes: Sequence[Deploy] = ()


class Orders:
    """Of each order the page that asks, and the form that gives it."""

    def __init__(
        self,
        parser: RequestParser,
        store: Store,
        deploys: Deploys,
        redeploys: Redeploys,
        pauses: Pausing,
        replays: Replays,
    ) -> None:
        self._parser, self._reader = parser, Reader(store)
        self._deploys, self._redeploys = deploys, redeploys
        self._pauses, self._replays = pauses, replays

    # Cancel and release

    async def ask_cancel(self, request: Request) -> Response:
        deploy = await self._deploy(request)
        how = (
            "It has not started: it is cancelled at once."
            if deploy.state is State.PENDING
            else "Its Job is deleted and its Pods are stopped; what they have done so far stays done."
        )
        return _ask(
            request,
            Confirmation(
                title=f"Cancel {deploy.name}?",
                says=(f"{deploy.name} is {deploy.state}. {how}", _next(deploy)),
                button=f"Cancel {deploy.name}",
                back=_link(deploy),
                danger=True,
            ),
        )

    async def ask_release(self, request: Request) -> Response:
        deploy = await self._deploy(request)
        return _ask(
            request,
            Confirmation(
                title=f"Release {deploy.target} from {deploy.number}?",
                says=(
                    f"{deploy.name} is stopping, and the cluster still shows its Job or Pods.",
                    "Its target goes on at once, as if they were gone. If one of them still runs, two "
                    "deploys run at the same time: make sure first that none does.",
                ),
                button=f"They are gone: release {deploy.target}",
                back=_link(deploy),
                danger=True,
            ),
        )

    async def cancel(self, request: Request) -> Response:
        return await self._stop(request, Verb.CANCEL)

    async def release(self, request: Request) -> Response:
        return await self._stop(request, Verb.RELEASE)

    async def _stop(self, request: Request, verb: Verb) -> Response:
        target, number = await self._parser.deploy(request)
        order, origin = Order(**_said(request)), Origin.of(request)
        await to_thread.run_sync(self._deploys.ordered, origin, verb, (target, number), order)
        return _to(f"/targets/{target}/deploys/{number}")

    # Redeploy and roll back

    async def ask_redeploy(self, request: Request) -> Response:
        target = await self._parser.target(request)
        deploys = await to_thread.run_sync(self._reader.deploys, target.name)
        if "number" not in request.path_params:
            return _ask(request, _again(target.name, deploys))
        return _ask(request, _redeploy(await self._deploy(request), deploys))

    async def redeploy(self, request: Request) -> Response:
        target = (await self._parser.target(request)).name
        number = (await self._deploy(request)).number if "number" in request.path_params else 0
        said, key = _said(request), request.state.form.get("key", "")
        asked = Redeploy(
            target=target,
            request=key if _is_key(key) else str(uuid4()),
            by=said["by"],
            note=said["reason"],
            number=number,
        )
        order = RedeployOrder(**said, deploy=number or None)
        answer = await to_thread.run_sync(self._redeploys.ordered, Origin.of(request), order, asked)
        return _to(f"/targets/{target}/deploys/{answer.deploy.rpartition('/')[2]}")

    # Pause and resume

    async def ask_pause(self, request: Request) -> Response:
        name = await self._named(request)
        what = f"Nothing of {name}" if name else "Nothing of any target"
        return _ask(
            request,
            Confirmation(
                title=f"Pause {name or 'all targets'}?",
                says=(
                    f"{what} starts until somebody resumes it. What runs goes on; pushes are kept.",
                ),
                button=f"Pause {name or 'everything'}",
                back=_back(name),
                danger=not name,
            ),
        )

    async def ask_resume(self, request: Request) -> Response:
        name = await self._named(request)
        return _ask(
            request,
            Confirmation(
                title=f"Resume {name or 'all targets'}?",
                says=("What waits starts, the newest commit of each branch.",),
                button=f"Resume {name or 'everything'}",
                back=_back(name),
            ),
        )

    async def pause(self, request: Request) -> Response:
        return await self._switch(request, Verb.PAUSE)

    async def resume(self, request: Request) -> Response:
        return await self._switch(request, Verb.RESUME)

    async def _switch(self, request: Request, verb: Verb) -> Response:
        name, order = await self._named(request), Order(**_said(request))
        origin = Origin.of(request)
        await to_thread.run_sync(self._pauses.ordered, origin, verb, name or None, order)
        return _to(_back(name))

    # Replay

    async def ask_replay(self, request: Request) -> Response:
        name = line(request.path_params["id"])[:100]
        return _ask(
            request,
            Confirmation(
                title=f"Replay delivery {name}?",
                says=(
                    "It is processed again as if it had just arrived, by the configuration of now. It never "
                    "undoes a later push: a branch that has moved on since stays where it is.",
                ),
                button="Replay it",
                back=f"/deliveries/{request.path_params['id']}",
            ),
        )

    async def replay(self, request: Request) -> Response:
        order = Order(**_said(request))
        name = request.path_params["id"]
        answer, _ = await self._replays.ordered(Origin.of(request), name, order)
        return _to(f"/deliveries/{answer.id}")

    async def _named(self, request: Request) -> str:
        """The target's name; "" for all targets."""
        named = "target" in request.path_params
        return (await self._parser.target(request)).name if named else ""

    async def _deploy(self, request: Request) -> Deploy:
        target, number = await self._parser.deploy(request)
        found = await to_thread.run_sync(self._reader.deploy, target, number)
        if found is None:
            kept = await to_thread.run_sync(self._reader.numbers, target)
            raise unknown_deploy(target, number, kept)
        return found


def undone(deploy: Deploy, deploys: Sequence[Deploy]) -> list[Deploy]:
    """What was deployed of its stream after it and has another commit, newest first: one for each commit."""
    later = [
        each
        for each in deploys
        if each.stream == deploy.stream
        and each.number > deploy.number
        and each.commit != deploy.commit
        and (each.state is State.SUCCEEDED or each.active)
    ]
    return list({each.commit: each for each in later}.values())[:MOST_UNDONE]


def _redeploy(deploy: Deploy, deploys: Sequence[Deploy]) -> Confirmation:
    undoes = undone(deploy, deploys)
    commit = f"{deploy.commit[:10]} of {short_ref(deploy.ref)}"
    return Confirmation(
        title=f"Roll {deploy.target} back to {deploy.number}?"
        if undoes
        else f"Redeploy {deploy.name}?",
        says=(
            f"A new deploy of commit {commit} is recorded. It takes its turn, by the target's present "
            "configuration.",
            *(
                ("The branch itself stays where it is: the next push deploys its commit.",)
                if undoes
                else ()
            ),
        ),
        button="Roll back" if undoes else "Redeploy",
        back=_link(deploy),
        danger=bool(undoes),
        undoes=undoes,
    )


def _again(target: str, deploys: Sequence[Deploy]) -> Confirmation:
    last = deploys[0] if deploys else None
    what = f", the newest is {last.name}" if last else ""
    return Confirmation(
        title=f"Redeploy {target}?",
        says=(f"What was wanted last of {target} is deployed again{what}.",),
        button="Redeploy",
        back=_back(target),
    )


def _ask(request: Request, order: Confirmation) -> Response:
    return page(request, "confirm.html", order=order, key=str(uuid4()))


def _said(request: Request) -> dict[str, str]:
    """Who gives the order, and why, as its form says."""
    visitor: Visitor = request.state.visitor
    reason = line(request.state.form.get("reason", ""))[:LONGEST_REASON]
    return {"by": line(visitor.name)[:100], "reason": reason}


def _is_key(key: str) -> bool:
    return len(key) <= LONGEST_KEY and bool(IDEMPOTENCY_KEY.fullmatch(key))


def _next(deploy: Deploy) -> str:
    return f"{deploy.target} goes on with what waits. A later push deploys as usual."


def _link(deploy: Deploy) -> str:
    return f"/targets/{deploy.target}/deploys/{deploy.number}"


def _back(target: str) -> str:
    return f"/targets/{target}" if target else "/system"


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, HEADERS)
