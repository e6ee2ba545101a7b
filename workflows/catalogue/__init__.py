"""What do a server's tools do, and how are they let in? Their definitions are read; nothing is called, and no model is asked."""

from workflows.catalogue.classifying import classify
from workflows.catalogue.shapes import Category, Classified, Risk, Signal, SignalKind

__all__ = ["Category", "Classified", "Risk", "Signal", "SignalKind", "classify"]
