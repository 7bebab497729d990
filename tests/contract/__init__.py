"""What git-dispatcher counts on a cluster to do, said through the official client.

    pytest tests/contract                        against a local cluster of its own
    pytest tests/contract --kube-context NAME    against a real one, from your kubeconfig

The same files hold both to the same behaviour. Where that is surprising, the test says its source.
"""
