"""What a Git host really did, what the ledger heard of it, and what is right to be deployed: in plain Python.

None of it reads how the ledger decides; `tests.model.test_order` compares the two.
"""
