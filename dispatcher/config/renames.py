"""Mistakes in `renamed_from`, which concern two targets, so that no single target can check them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dispatcher.config.documents import Document
from dispatcher.config.mistakes import Location, Mistake, show
from dispatcher.config.targets import Target


def rename_mistakes(
    documents: Iterable[Document], targets: Mapping[str, Target]
) -> Iterator[Mistake]:
    """A mistake for each impossible `renamed_from`; `targets` are those without other mistakes."""
    places = dict(_places(documents))
    taken: dict[str, str] = {}
    for name, target in targets.items():
        former = target.renamed_from
        if former and (text := _wrong(name, former, places.keys(), taken)):
            location: Location = ("targets", name, "renamed_from")
            yield places[name].mistake(location, text)
        taken.setdefault(former, name)


def _places(documents: Iterable[Document]) -> Iterator[tuple[str, Document]]:
    """The name of every target, even of one with mistakes, and its file."""
    for document in documents:
        found = document.data.get("targets")
        for name in found if isinstance(found, dict) else ():
            yield name, document


def _wrong(name: str, former: str, names: Iterable[str], taken: Mapping[str, str]) -> str:
    """What is wrong with `renamed_from`, or ""."""
    if former == name:
        return "is the target's own name; write its former name, or remove the line"
    if former in names:
        return f"{show(former)} is a configured target; remove that target or this line"
    if former in taken:
        return f"{show(former)} is also the former name of {taken[former]}; keep one of them"
    return ""
