"""Names and codes in a Job that its configuration and the workers have to agree on."""

from __future__ import annotations

RESERVED = frozenset(
    {"GIT_URL", "GIT_COMMIT", "GIT_REF", "GIT_BRANCH", "GIT_TAG", "GIT_BEFORE"}
    | {"DEPLOY_TARGET", "DEPLOY_NUMBER", "DEPLOY_ID", "DEPLOY_REASON", "DEPLOY_ATTEMPT"}
    | {"DEPLOY_INSTANCE", "WORKSPACE"},
)
"""Environment variables that every container gets; no configuration may set them."""

OURS = "git-dispatcher/"
"""Prefix of our labels and annotations."""

INTERRUPTIBLE = "git-dispatcher/interruptible"
"""The one annotation of ours that is the user's to set."""

CLONE_NAME = "clone"
"""Of the container that clones."""

CLONE_VOLUMES = ("git-dispatcher-home", "git-dispatcher-credentials")
"""The volumes that it has besides the workspace."""

CLONE_REFUSED = 77
"""Exit code of a clone whose commit the pushed ref does not hold (EX_NOPERM of sysexits.h)."""
