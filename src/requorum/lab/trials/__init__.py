"""The crash trial: load, kill, damage, recover, count. It is the measure of the product."""
