"""What do a server's tools do, and how are they let in? Their definitions are read; nothing is called, and no model is asked."""

from workflows.catalogue.classifying import classify
from workflows.catalogue.comparing import classify_all
from workflows.catalogue.recommending import entry_for, recommend
from workflows.catalogue.shapes import Category, Classified, Risk, Signal, SignalKind

__all__ = ["Category", "Classified", "Risk", "Signal", "SignalKind", "classify", "classify_all", "entry_for", "recommend"]
