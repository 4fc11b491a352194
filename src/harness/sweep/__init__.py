"""Sweeps: many experiments from one file, resumed by repeating the command."""
