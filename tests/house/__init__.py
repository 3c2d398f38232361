"""Rules of the house itself: names, documents, and that the lists people read are complete."""
