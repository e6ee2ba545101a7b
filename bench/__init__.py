"""What Askfirst costs, measured side by side with its floor."""
