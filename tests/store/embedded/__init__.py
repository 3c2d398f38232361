"""The embedded server keeps its promises: it starts for anybody, is shared, stops with its last user, and loses no acknowledged row."""
