"""Mail for bodies that have no system: a message goes out with an address that carries its case, and what comes back to it is read.

A reply is known by an address nobody can guess, never by what it says of itself. Bounces, automatic answers and what people write are told
apart here; what they mean is the agency file's business. Nothing is ever deleted: what was read is moved to a folder of the mailbox.
"""
