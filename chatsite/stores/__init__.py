"""The addresses of the database and Redis, and Django's and Celery's back ends on them."""
