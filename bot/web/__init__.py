"""The desk: a small web page where people read held calls and decide. It translates; the verbs decide."""
