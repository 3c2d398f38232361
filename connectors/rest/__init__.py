"""The REST wire: JSON, forms and files over the shared HTTP session."""

from connectors.rest.auth import ApiKey, Auth, Basic, Bearer, OAuth2ClientCredentials
from connectors.rest.connector import RestConnection, RestConnector

__all__ = [
    "ApiKey",
    "Auth",
    "Basic",
    "Bearer",
    "OAuth2ClientCredentials",
    "RestConnection",
    "RestConnector",
]
