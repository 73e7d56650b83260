# SPDX-License-Identifier: MIT
"""What is measured: a program for each section, run by ../run.py."""
