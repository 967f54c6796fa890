"""Live answers for browsers: one hub per web process tails the watched logs."""
