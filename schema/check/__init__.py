"""What a change of the schema does to the documents that frontends send: read by `okno schema check`, and by nobody while serving."""
