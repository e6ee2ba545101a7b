"""What would a changed policy have said to the calls that were made? They are read from the audit trail, and nothing is called."""

from workflows.simulating.possible import Answer
from workflows.simulating.replay import Line, Simulation, simulate

__all__ = ["Answer", "Line", "Simulation", "simulate"]
