"""The salvage trial: real data directories, damaged at random, and what salvage makes of them."""
