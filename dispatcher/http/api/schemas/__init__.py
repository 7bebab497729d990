"""The JSON bodies of the API as types, one module a noun; the command line decodes into the same types. Pure.

Times are RFC 3339 in UTC, durations are seconds, null is "not yet" or "none".
"""
