"""r3's library: every operation of the `r3` command, callable without a terminal."""

__version__ = "0.1.0"
