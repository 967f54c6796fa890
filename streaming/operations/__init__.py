"""For those who run the site: live pages, Prometheus metrics and health checks."""
