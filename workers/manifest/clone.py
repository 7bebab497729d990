"""The init container that checks out exactly the pushed commit in the workspace. Pure.

The script is a constant. Its input comes in environment variables, paths too: the local cluster replaces mount
paths in the values of variables, and not in scripts.
"""

from __future__ import annotations

from typing import Any

from dispatcher.config import CLONE_IMAGE, Clone
from dispatcher.domain.job_contract import CLONE_NAME, CLONE_VOLUMES

WORKSPACE = "/workspace"
WORKSPACE_VOLUME = "workspace"
HOME = "/home/git-dispatcher"
CREDENTIALS = "/etc/git-dispatcher/credentials"
HOME_VOLUME, CREDENTIALS_VOLUME = CLONE_VOLUMES

SCRIPT = r"""
set -eu

REFUSED=77
PUSHED=refs/git-dispatcher/pushed

say() { printf 'git-dispatcher: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

check_input() {
  case "$GIT_COMMIT" in *[!0-9a-f]*) fail "GIT_COMMIT is not an object name" ;; esac
  case "${#GIT_COMMIT}" in
    40) format=sha1 ;;
    64) format=sha256 ;;
    *) fail "GIT_COMMIT is not a full object name" ;;
  esac
  git check-ref-format "$GIT_REF" || fail "GIT_REF is not a full ref"
}

# Only protocols that fetch: a URL in .gitmodules must not run commands or read local files.
allow_protocols() {
  GIT_ALLOW_PROTOCOL=git:http:https:ssh
  case "$GIT_URL" in file://*) GIT_ALLOW_PROTOCOL=file:$GIT_ALLOW_PROTOCOL ;; esac
  export GIT_ALLOW_PROTOCOL
}

# The key is copied, since ssh refuses one that a group can read.
use_ssh_key() {
  [ -s "$CLONE_CREDENTIALS/known_hosts" ] || fail "the clone Secret has ssh-privatekey but no" \
    "known_hosts; add the host's keys as published by it (ssh-keyscan prints them)"
  id -un >/dev/null 2>&1 || fail "ssh needs a user name for uid $(id -u), which the clone image" \
    "lacks; set run_as_user to one that it has (1000), or clone.image to an image that has it"
  (umask 077 && { cat "$CLONE_CREDENTIALS/ssh-privatekey"; echo; } >"$HOME/key")
  cat "$CLONE_CREDENTIALS/known_hosts" >"$HOME/known_hosts"
  GIT_SSH_COMMAND='ssh -F /dev/null -i "$HOME/key" -o IdentitiesOnly=yes -o BatchMode=yes'
  GIT_SSH_COMMAND="$GIT_SSH_COMMAND -o StrictHostKeyChecking=yes -o ConnectTimeout=20"
  GIT_SSH_COMMAND="$GIT_SSH_COMMAND"' -o UserKnownHostsFile="\"$HOME/known_hosts\""'
  export GIT_SSH_COMMAND
}

# For the repository's own host only: a submodule elsewhere must not get it.
use_password() {
  scheme=${GIT_URL%%://*}
  host=${GIT_URL#*://}
  host=${host%%/*}
  case "$scheme" in
    http | https) ;;
    *) fail "the clone Secret has a $1, which $GIT_URL cannot use; it needs ssh-privatekey" ;;
  esac
  CLONE_PASSWORD=$1
  export CLONE_PASSWORD
  git config --global "credential.$scheme://$host.helper" '!f() {
    [ "$1" = get ] || exit 0
    user=x-token-auth
    [ ! -s "$CLONE_CREDENTIALS/username" ] || user=$(cat "$CLONE_CREDENTIALS/username")
    printf "username=%s\n" "$user"
    printf "password=%s\n" "$(cat "$CLONE_CREDENTIALS/$CLONE_PASSWORD")"
  }; f'
}

use_credentials() {
  if [ -z "${CLONE_CREDENTIALS:-}" ]; then
    export GIT_SSH_COMMAND="ssh -o BatchMode=yes"
  elif [ -s "$CLONE_CREDENTIALS/ssh-privatekey" ]; then use_ssh_key
  elif [ -s "$CLONE_CREDENTIALS/token" ]; then use_password token
  elif [ -s "$CLONE_CREDENTIALS/password" ]; then use_password password
  else fail "the clone Secret has none of the keys ssh-privatekey, token and password"
  fi
}

set_up() {
  export GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1
  cd "$WORKSPACE"
  [ -w . ] || fail "the workspace cannot be written by uid $(id -u); set clone.run_as_user to its" \
    "owner, or an fsGroup in the Pod's securityContext"
  # The volume belongs to root, the repository in it to this user.
  git config --global --replace-all safe.directory '*'
  # A connection that stands still for a minute is given up, and tried again.
  git config --global http.lowSpeedLimit 1000
  git config --global http.lowSpeedTime 60
  git init -q --template= --object-format="$format" . 2>/dev/null || git init -q --template= .
  git config remote.origin.url "$GIT_URL"
  git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
}

has_commit() { git cat-file -e "$GIT_COMMIT^{commit}" 2>/dev/null; }

is_shallow() { [ "$(git rev-parse --is-shallow-repository)" = true ]; }

# With as much history as is asked for.
fetch() {
  if [ "$CLONE_DEPTH" = 0 ]; then git fetch -q --tags origin "$@"
  else git fetch -q --no-tags --depth "$CLONE_DEPTH" origin "$@"
  fi
}

fetch_ref() { fetch "+$GIT_REF:$PUSHED"; }

fetch_commit() { fetch "$GIT_COMMIT" 2>"$HOME/refusal" && has_commit; }

# For servers that only give what a ref points to: follow the ref back until the commit is there.
follow_ref() {
  for more in --deepen=50 --deepen=500 --unshallow; do
    ! has_commit || return 0
    is_shallow || break
    git fetch -q --no-tags "$more" origin "+$GIT_REF:$PUSHED" || return 1
  done
  ! has_commit || return 0
  cat "$HOME/refusal" >&2
  refused="commit $GIT_COMMIT is not in the history of $GIT_REF, which is at $tip"
  refused_at=$tip
  return 1
}

# Most often the commit is what the ref points to: then one fetch brings it, and proves it.
is_tip() {
  for name in "$PUSHED" "$PUSHED^{commit}"; do
    [ "$(git rev-parse -q --verify "$name")" != "$GIT_COMMIT" ] || return 0
  done
  return 1
}

# 0: the ref's history holds the commit, 1: it does not, 2: it cannot be read.
find_in_history() {
  wanted=$(git rev-parse "$GIT_COMMIT^{commit}")
  ! git merge-base --is-ancestor "$wanted" "$PUSHED" || return 0
  is_shallow || return 1
  (read_history)
}

# The history is read beside the workspace, which gets no more of it than is asked for, and without
# its files where the server can leave them out.
read_history() {
  git init -q --bare --template= --object-format="$format" "$HOME/history" 2>/dev/null \
    || git init -q --bare --template= "$HOME/history"
  cd "$HOME/history"
  git config remote.origin.url "$GIT_URL"
  for more in --depth=100 --deepen=1000 --deepen=10000 --unshallow; do
    [ "$more" = --depth=100 ] || is_shallow || return 1
    git fetch -q --no-tags --filter=tree:0 "$more" origin "+$GIT_REF:$PUSHED" || return 2
    ! git rev-list "$PUSHED" | grep -q "^$wanted" || return 0
  done
  return 1
}

has_no_ref() {
  git ls-remote --exit-code origin "$GIT_REF" >/dev/null 2>&1 || [ "$?" != 2 ] || return 0
  return 1
}

# By name a server gives what any ref holds, those of pull requests and of forks included. So only
# the history of the ref itself shows that the commit was pushed to it.
fetch_proved() {
  if ! fetch_ref; then
    refused=
    ! has_no_ref || refused="$GIT_REF is not in the repository"
    return 1
  fi
  tip=$(git rev-parse "$PUSHED")
  ! is_tip || return 0
  [ "$tip" != "$refused_at" ] || return 1
  refused=
  fetch_commit || follow_ref || return 1
  find_in_history && return 0 || [ "$?" = 1 ] || return 1
  refused="commit $GIT_COMMIT is not in the history of $GIT_REF, which is at $tip"
  refused_at=$tip
  return 1
}

fetch_any() {
  ! fetch_commit || return 0
  fetch_ref || return 1
  tip=$(git rev-parse "$PUSHED")
  follow_ref
}

# Again also when the proof is missing, since the copies of a server may lag behind a push.
fetch_patiently() {
  refused='' refused_at=''
  for try in 1 2 3; do
    if [ "${CLONE_ANY_COMMIT:-false}" = true ]; then ! fetch_any || return 0
    else ! fetch_proved || return 0
    fi
    [ "$try" = 3 ] || {
      say "${refused:-fetch failed}, trying again"
      sleep "$((try * ${CLONE_PAUSE:-2}))"
    }
  done
  [ -n "$refused" ] || fail "cannot fetch $GIT_COMMIT of $GIT_REF from $GIT_URL"
  [ "${CLONE_ANY_COMMIT:-false}" = false ] || fail "$refused, and the server does not give it by name"
  say "$refused; not deployed, since nothing shows that it was pushed there: push or redeploy a" \
    "commit that $GIT_REF holds, or set clone.any_commit to deploy whatever the server gives"
  exit "$REFUSED"
}

check_out() {
  wanted=$(git rev-parse "$GIT_COMMIT^{commit}")
  git checkout -q --force --detach "$wanted"
  [ "$(git rev-parse HEAD)" = "$wanted" ] || fail "HEAD is not $wanted after the checkout"
  git update-ref -d "$PUSHED"
}

fetch_submodules() {
  git submodule sync -q --recursive
  git submodule update -q --init --recursive --depth 1 || git submodule update -q --init --recursive
}

fetch_lfs() {
  git lfs version >/dev/null 2>&1 || fail "clone.image has no git-lfs"
  git lfs install --local --skip-smudge >/dev/null
  git lfs pull origin
  [ "$CLONE_SUBMODULES" = false ] || git submodule foreach -q --recursive git lfs pull
}

check_input
allow_protocols
set_up
use_credentials
fetch_patiently
check_out
[ "$CLONE_SUBMODULES" = false ] || fetch_submodules
[ "$CLONE_LFS" = false ] || fetch_lfs
say "checked out $wanted of $GIT_REF"
""".lstrip()
"""For any POSIX shell (busybox, dash) and git 2.28 or newer."""


def container(clone: Clone) -> dict[str, Any]:
    """The init container, without what `shipped` adds and the deploy's environment."""
    mounts: list[dict[str, Any]] = [
        {"name": WORKSPACE_VOLUME, "mountPath": WORKSPACE},
        {"name": HOME_VOLUME, "mountPath": HOME},
    ]
    resources = clone.resources.model_dump(exclude_unset=True)
    if clone.secret:
        mounts.append({"name": CREDENTIALS_VOLUME, "mountPath": CREDENTIALS, "readOnly": True})
    return {
        "name": CLONE_NAME,
        **({"image": clone.image} if clone.image != CLONE_IMAGE else {}),
        "command": ["sh", "-c"],
        "env": _env(clone),
        "workingDir": WORKSPACE,
        "volumeMounts": mounts,
        **({"resources": resources} if resources else {}),
    }


def run_as(clone: Clone) -> dict[str, Any]:
    """Its user, for the securityContext, if the clone has a setting of its own."""
    if clone.run_as_user is None:
        return {}
    user = clone.run_as_user
    return {"runAsNonRoot": user != 0, "runAsUser": user, "runAsGroup": user}


def shipped(clone: Clone) -> dict[str, Any]:
    """The image and the script, which a new version of git-dispatcher may change: in no digest."""
    return {"image": clone.image, "args": [SCRIPT]}


def _env(clone: Clone) -> list[dict[str, str]]:
    env = {
        "HOME": HOME,
        "CLONE_DEPTH": str(clone.depth),
        "CLONE_SUBMODULES": str(clone.submodules).lower(),
        "CLONE_LFS": str(clone.lfs).lower(),
    }
    if clone.secret:
        env["CLONE_CREDENTIALS"] = CREDENTIALS
    if clone.any_commit:
        env["CLONE_ANY_COMMIT"] = "true"
    return [{"name": name, "value": value} for name, value in env.items()]


def volumes(clone: Clone) -> list[dict[str, Any]]:
    """The volumes that the container mounts besides the workspace."""
    found: list[dict[str, Any]] = [{"name": HOME_VOLUME, "emptyDir": {}}]
    if clone.secret:
        secret = {"secretName": clone.secret, "defaultMode": 0o440}
        found.append({"name": CREDENTIALS_VOLUME, "secret": secret})
    return found
