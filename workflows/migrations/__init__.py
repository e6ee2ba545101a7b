"""The schema's revisions, run by `serve` on start."""
