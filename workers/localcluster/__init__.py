"""An embedded stand-in for Kubernetes, for trying out, development and tests.

It speaks the parts of the Kubernetes API that git-dispatcher uses, so that everything above it
is the same code that talks to a real cluster. Containers run as plain processes of this user:
nothing is isolated, images are not pulled, and whoever holds the token runs what they like.
So it listens on loopback only and must never be part of a production image.

What differs from a real cluster:

- There is no mount namespace. `workingDir` and the values of environment variables that are, or
  begin with, a mount path are rewritten to a directory of the Pod. `command` and `args` are left
  alone, except that `$(VAR)` brings in the rewritten value; other absolute paths are the host's.
- The image is ignored, so a container needs a `command`, and it starts in a directory of its
  Pod's. Resources, probes, security contexts, service accounts, scheduling and sidecars are
  accepted, stored and without effect.
- Of volumes there are emptyDir, secret and configMap; a Pod with another waits for ever. Files
  from Secrets and ConfigMaps are written once. Logs are neither rotated nor limited.
- Left out are Events, field managers, server-side apply, JSON patch, `limit` and `continue`,
  Indexed Jobs, success and Pod failure policies.
- SIGTERM goes to the container's whole process group. A process is not PID 1 of anything, so a
  shell without a trap dies of it, where in a container it would wait for SIGKILL.
- A retry waits for `--pod-backoff` (1 s, doubling) instead of ten seconds.
- Objects live in memory and are gone after a restart.

Others use its process interface and its kubeconfig only; nothing here is to be imported.
"""
