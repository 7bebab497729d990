"""A configuration's digest, by which processes tell whether they have the same one. No secret is part of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from typing import Any

from pydantic import BaseModel

from dispatcher.config.files import Configuration
from dispatcher.config.manifests import Manifest
from dispatcher.domain.secret import Secret

LENGTH = 12


def configuration_digest(configuration: Configuration) -> str:
    """Equal for equal settings, whichever files they are in."""
    settings = {
        "hooks": configuration.hooks,
        "targets": configuration.targets,
        "cluster": configuration.cluster,
        "deliveries": configuration.deliveries,
    }
    text = json.dumps(settings, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return {name: getattr(value, name) for name in type(value).model_fields}
        case Secret():
            return value.source.rpartition("/")[2]  # folders differ from host to host
        case Manifest():
            return value.document
        case set() | frozenset():
            return sorted(map(str, value))
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
