"""Each system profile of config/systems against a fake of its product, through the real wire."""
