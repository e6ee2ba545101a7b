"""Tests of Askfirst."""
