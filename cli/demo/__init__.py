"""`okno demo`: the whole way of a message on one machine, with two sample agencies that are processes of their own.

Everything here speaks to the hub as a portal does, over GraphQL, and to the agencies as their clerks do, over the operator's
side: nothing looks into the database or imports the gateway.
"""
