"""What controllers, scheduler and kubelet work with: a work queue and the recorder of events.

Named after https://github.com/kubernetes/client-go.
"""
