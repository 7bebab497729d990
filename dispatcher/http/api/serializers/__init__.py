"""JSON bodies built from what the ledger and the configuration hold, one module a noun. Pure.

The types stand in `dispatcher.http.api.schemas`, without them: the command line loads those alone.
"""
