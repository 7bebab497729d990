"""Why a deploy does not start, and why it ended: the one source of `why`, of TROUBLE and of what is retried.

Pure: a Job, its Pods and their events in, a `Cause` or nothing out. What Kubernetes reports
is written down in tests/workers/causes/states.py.
"""
