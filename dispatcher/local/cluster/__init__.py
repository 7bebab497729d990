"""An embedded stand-in for Kubernetes, for trying out, development and tests.

It speaks the parts of the Kubernetes API that git-dispatcher uses, so that everything above it
is the same code that talks to a real cluster. Containers run as plain processes of this user:
nothing is isolated, images are not pulled, and whoever holds the token runs what they like.
So it listens on loopback only and must never be part of a production image.

Its packages are named after the parts of a real cluster, and each imports only those before it:
apimachinery, storage, admission, registry, client, then scheduler, controllers and kubelet, which
don't know each other, and apiserver.

What differs from a real cluster:

- There is no mount namespace. `workingDir` and the values of environment variables that are, or
  begin with, a mount path are rewritten to a directory of the Pod. `command` and `args` are left
  alone, except that `$(VAR)` brings in the rewritten value; other absolute paths are the host's.
- The image is ignored, so a container needs a `command`, and it starts in a directory of its
  Pod's. Limits, probes, security contexts, service accounts, affinity and sidecars are accepted,
  stored and without effect.
- Of volumes there are emptyDir, secret and configMap; a Pod with another waits for ever. Files
  from Secrets and ConfigMaps are written once. Logs are neither rotated nor limited.
- Left out are field managers, server-side apply, Indexed Jobs, success and Pod failure policies,
  disruption budgets, and quotas of anything but numbers of objects.
- SIGTERM goes to the container's whole process group. A process is not PID 1 of anything, so a
  shell without a trap dies of it, where in a container it would wait for SIGKILL.
- A retry waits for `--pod-backoff` (1 s, doubling) instead of ten seconds.
- Objects, their versions and finished Pods' logs survive its end, SIGKILL included, but containers
  don't: its start is that of a node. What may have run is reported as failed (after SIGKILL with
  ContainerStatusUnknown, after SIGTERM as Terminated), and all else goes on from where it was.

What makes Pods fail on a real cluster does so here, by the same means: an image below the domain `.invalid`;
a node selector, a taint, a cordon or a request that the node `local` doesn't meet; an eviction; an emptyDir
that outgrows its `sizeLimit`; a ResourceQuota; a namespace's label `pod-security.kubernetes.io/enforce`; a
finalizer. What no API call does on a real one:

- Node annotation `local.git-dispatcher/power: "off"`: the node is dead, with all that runs there, and reports
  nothing. Its Pods stay as they were until the annotation goes, or they are deleted by force.
- Node annotation `local.git-dispatcher/pressure: memory` (or `disk`, `pid`): it evicts all its Pods.
- `POST /local/compact`: all changes are forgotten, so that watches and pages from before expire.
- A copy of `<state>/objects`, made while it is stopped and put back later, is an etcd backup.

Other packages use its process interface and its kubeconfig only, and import nothing from here.
"""
