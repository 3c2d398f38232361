"""The HTTP door over real sockets: requests, sign-in, streams, files, webhooks, GraphiQL."""
