"""The web process: daphne, with bounds on what clients send, and a bounded shutdown on SIGTERM.

python -m chatsite.web takes daphne's own options: -b 127.0.0.1 -p 8000 chatsite.asgi:application
"""
