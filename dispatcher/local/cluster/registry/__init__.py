"""The API's verbs on objects, for clients and controllers alike.

Named after https://github.com/kubernetes/kubernetes/tree/master/pkg/registry. It must not know HTTP.
"""
