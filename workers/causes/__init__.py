"""Why a deploy does not start, or why it ended: the one source of `why`, of TROUBLE and of retries.

Pure: a Job, its Pods and their events in, a `Cause` or None out. tests/workers/causes/states.py has what
Kubernetes reports.
"""
