"""The command line: `git-dispatcher web`, `worker`, `watcher`, and the commands for operators."""
