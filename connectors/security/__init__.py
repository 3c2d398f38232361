"""Signing in, for every wire: what goes along with each request, logins that bring a token, and TLS."""

from connectors.security.gate import Gate, Way
from connectors.security.grant import Grant
from connectors.security.login import LoginCall
from connectors.security.oauth import OAuth2, OAuth2ClientCredentials, OAuth2JwtBearer, OAuth2Password
from connectors.security.tls import TlsSettings, open_tls
from connectors.security.ways import ApiKey, Basic, Bearer, InBody

__all__ = [
    "ApiKey",
    "Basic",
    "Bearer",
    "Gate",
    "Grant",
    "InBody",
    "LoginCall",
    "OAuth2",
    "OAuth2ClientCredentials",
    "OAuth2JwtBearer",
    "OAuth2Password",
    "TlsSettings",
    "Way",
    "open_tls",
]
