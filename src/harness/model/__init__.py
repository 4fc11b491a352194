"""Model: encoders, encoding and batching, the Lightning module that trains, prediction to spans."""
