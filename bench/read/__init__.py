"""Reading, measured: five operations of a portal over a million messages, by the hub and by its peers. See bench/README.md."""
