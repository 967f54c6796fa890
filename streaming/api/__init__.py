"""The HTTP API `/api/v1/`: what programs may ask and read, and the same streams as server-sent events."""
