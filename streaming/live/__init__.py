"""Answers as browsers see them while they are written: one hub per web process tails the logs that are watched."""
