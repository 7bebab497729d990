"""Lists in pages: all of them of one version, whatever is written in between.

It reads the store. It must not know HTTP.
https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dispatcher.local.cluster.apimachinery.api_errors import BadRequest, Expired
from dispatcher.local.cluster.apimachinery.errors import ExpiredError
from dispatcher.local.cluster.apimachinery.objects import Object, name_of, namespace_of
from dispatcher.local.cluster.apimachinery.resources import Resource
from dispatcher.local.cluster.apimachinery.selectors import EVERYTHING, Selector
from dispatcher.local.cluster.storage.changes import Key
from dispatcher.local.cluster.storage.store import Store

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


class Token(msgspec.Struct, frozen=True):
    """Where the next page begins. Without a version it is taken from the present."""

    after: Key
    version: int | None = None

    def encode(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode()

    @classmethod
    def decode(cls, text: str) -> "Token":
        try:
            return msgspec.json.decode(urlsafe_b64decode(text), type=cls)
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadRequest(f"continue key is not valid: {error}") from error


@dataclass(frozen=True, slots=True)
class ListOptions:
    """`limit` 0 means no limit. `version` is the one to list at; without one it's the latest."""

    namespace: str = ""
    selector: Selector = EVERYTHING
    limit: int = 0
    token: Token | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Objects at a version. `remaining` is how many follow, where that is known."""

    objects: Sequence[Object]
    version: int
    token: Token | None = None
    remaining: int | None = None

    @property
    def metadata(self) -> Object:
        metadata: Object = {"resourceVersion": str(self.version)}
        if self.token:
            metadata["continue"] = self.token.encode()
        if self.remaining:
            metadata["remainingItemCount"] = self.remaining
        return metadata


def page(store: Store, resource: Resource, options: ListOptions) -> Page:
    """The next page; raises `Expired`."""
    version = options.token.version if options.token else options.version
    try:
        found = store.all(resource, options.namespace, version)
    except ExpiredError as error:
        raise _expired(error, options.token) from error
    found = [obj for obj in found if options.selector.matches(obj)]
    if options.token:
        found = [obj for obj in found if _key(obj) > options.token.after]
    return _cut(found, version or store.version, options)


def _key(obj: Object) -> Key:
    return namespace_of(obj), name_of(obj)


def _cut(found: Sequence[Object], version: int, options: ListOptions) -> Page:
    if not options.limit or len(found) <= options.limit:
        return Page(found, version)
    objects = found[: options.limit]
    # With a selector, the rest is not counted: each object would have to be matched.
    left = len(found) - len(objects) if options.selector == EVERYTHING else None
    return Page(objects, version, Token(_key(objects[-1]), version), left)


def _expired(error: ExpiredError, token: Token | None) -> Expired:
    if token is None:
        return Expired(str(error))
    return Expired(_TOO_OLD, metadata={"continue": Token(token.after).encode()})
