"""The HTTP door and the only place that joins everything: GraphQL over HTTP, SSE and WebSocket, webhooks, uploads, sign-in, health.

Nothing imports this package; it may import every other one but `cli`."""
