"""The REST wire: JSON, forms and files over the shared HTTP session."""

from connectors.rest.connector import RestConnection, RestConnector

__all__ = ["RestConnection", "RestConnector"]
