"""What reviewers see and do, in the Django admin."""
