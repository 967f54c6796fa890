"""The ordered records of one generation, in a Redis Stream: written by its attempt, read by everyone."""
