"""git-dispatcher: a Git push becomes a finished deploy on Kubernetes."""

__version__ = "0.1.0"
