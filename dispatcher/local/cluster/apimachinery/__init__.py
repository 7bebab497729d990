"""What every part of the cluster knows of the API: its kinds, objects, selectors, quantities and errors. Pure.

Named after https://github.com/kubernetes/apimachinery. It must not know any other room.
"""
