"""The API over HTTPS: requests in, responses out.

The only room that knows HTTP. It makes no rules about objects; those are admission's and the registry's.
"""
