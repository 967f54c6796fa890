"""Where the site keeps what: the addresses of its stores, and Django's and Celery's back ends for them."""
