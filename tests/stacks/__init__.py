"""Our SOAP connector against services that are not written in Python, each started by the tests on a free port of 127.0.0.1."""
