"""Notifications: who is sent what, in which form, and when again. Pure; `workers.notify` sends."""
