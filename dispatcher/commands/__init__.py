"""The command line: `git-dispatcher web`, `worker`, `watch`, and the commands for operators."""
