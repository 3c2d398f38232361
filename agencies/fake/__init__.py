"""A stateful stand-in of one agency's system, made from its file alone: what the file expects to send and to read, turned round.

Nothing here is used while the hub works. The stand-in listens on 127.0.0.1 only, holds everything in memory, and forgets it when it ends.
"""
