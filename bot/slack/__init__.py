"""The Slack face: cards, clicks, App Home and the command. It shows what the rows say, and turns each click into one verb."""
