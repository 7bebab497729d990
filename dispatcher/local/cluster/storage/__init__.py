"""Where objects are kept: what etcd does in a real cluster.

It must not know what an object means.
"""
