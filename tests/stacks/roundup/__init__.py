"""Roundup, a tracker that ships no profile, connected by the file beside this one."""
