"""What can be wrong with `renamed_from`: it is about two names at once, so each target by itself can't tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dispatcher.config.documents import Document
from dispatcher.config.mistakes import Location, Mistake, show
from dispatcher.config.targets import Target


def rename_mistakes(
    documents: Iterable[Document], targets: Mapping[str, Target]
) -> Iterator[Mistake]:
    """One for each `renamed_from` that can't be; `targets` are those without a mistake of their own."""
    places = dict(_places(documents))
    taken: dict[str, str] = {}
    for name, target in targets.items():
        former = target.renamed_from
        if former and (text := _wrong(name, former, places.keys(), taken)):
            location: Location = ("targets", name, "renamed_from")
            yield places[name].mistake(location, text)
        taken.setdefault(former, name)


def _places(documents: Iterable[Document]) -> Iterator[tuple[str, Document]]:
    """Every name of a target, also of one that has mistakes, and the file that it is in."""
    for document in documents:
        found = document.data.get("targets")
        for name in found if isinstance(found, dict) else ():
            yield name, document


def _wrong(name: str, former: str, names: Iterable[str], taken: Mapping[str, str]) -> str:
    """What is wrong with it, "" if nothing is."""
    if former == name:
        return "is the target's own name; write the one that it had before, or remove the line"
    if former in names:
        return f"{show(former)} is a target of its own; remove either that one or this line"
    if former in taken:
        return f"{show(former)} is what {taken[former]} is renamed from already; keep one of them"
    return ""
