"""The order of pushes: the true history at a Git host, what the ledger received of it, and the test oracle.

None of it reads how the ledger decides; `tests.model.test_order` compares the two.
"""
