"""The life of a held call: policy, requests, votes, release and audit. It knows no Slack, no HTTP server and no scheduler."""
