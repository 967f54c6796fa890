"""Stream logs: the ordered records of one generation in a Redis Stream, written by its attempt and read by everyone."""
