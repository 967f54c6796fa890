"""The HTTP API `/api/v1/`: questions and answers for programs, and the same streams as server-sent events."""
