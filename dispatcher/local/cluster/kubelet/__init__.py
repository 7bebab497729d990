"""The node's agent: runs Pods as processes, and reports what becomes of them.

https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/
"""
