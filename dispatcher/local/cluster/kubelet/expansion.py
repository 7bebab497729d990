"""`$(VAR)` in commands, arguments and environment values. Pure.

https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))", re.DOTALL)


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replaces references to known values; unknown ones stay, and `$$` stands for one `$`."""

    def replace(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        return values.get(found[2], found[0])

    return _REFERENCE.sub(replace, text)
