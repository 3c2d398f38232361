"""Exchange through a folder that both sides see: each message is a packet, one XML document with the files it speaks of.

We put packets into `out` and take them from `in`; what was taken goes to `archive`. Nothing is ever deleted, and nothing is read before it
is whole.
"""
