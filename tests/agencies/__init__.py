"""What the files under `config/` mean, and how their faults are said."""
