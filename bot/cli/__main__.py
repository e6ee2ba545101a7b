"""`python -m bot.cli` is `askfirst`."""

from bot.cli import main

main()
