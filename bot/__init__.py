"""The faces of Askfirst: gateway, desk, scheduler, command line. They translate; they decide nothing."""
