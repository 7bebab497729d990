"""What an object has to meet before it is stored: defaults, validation, Pod security, quotas.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""
