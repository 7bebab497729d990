"""What Git hosts send: headers and bytes in, pushes out. No I/O here.

`receiving` is the way in; `registry` lists the providers, one module each; the rest is what they share.
"""
