"""For those who run the site: pages with live figures, metrics for Prometheus, health checks."""
