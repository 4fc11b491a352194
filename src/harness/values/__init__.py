"""The ground floor, pure: what everything else passes around. Imports nothing of the harness but itself."""
