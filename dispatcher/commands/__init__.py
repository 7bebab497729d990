"""What `git-dispatcher` does: the processes, the commands for people, the parts on one machine."""
