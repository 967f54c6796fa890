#!/usr/bin/env python
"""Django's command line: `python manage.py help`."""

import os
import sys

from django.core.management import execute_from_command_line

TELLS = {"help", "--help", "-h", "version", "--version"}  # needs no settings

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    if len(sys.argv) < 2 or sys.argv[1] in TELLS or "--traceback" in sys.argv:
        execute_from_command_line(sys.argv)
    else:
        from chatsite.refusals import check_start, end_with_sentence

        check_start()
        with end_with_sentence():
            execute_from_command_line(sys.argv)
