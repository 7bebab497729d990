"""The scheduler: which Pods run on the node."""
