"""Sites with settings of their own. They have a SQLite of their own too, so they run there alone."""
