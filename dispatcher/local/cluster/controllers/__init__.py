"""The controllers of kube-controller-manager: each compares objects with what they ask for, and acts."""
